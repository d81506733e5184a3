"""Skip trigrams: a network looks for a trigger (QK), and says what follows it (OV)."""
