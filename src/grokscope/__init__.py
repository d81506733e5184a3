"""grokscope: train small networks until they grok, watch the circuit form, and prove what they learned."""
