"""A program as the source of a Python file: what ``program_template.py.j2`` is filled with."""

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from grokscope.explanation.modular.program import Program

_SOURCES = {
    "clock": "Nanda et al. (2023), arXiv 2301.05217",
    "pizza": "Zhong et al. (2023), arXiv 2306.17844",
}
_WIDTH = 88
"""Characters in a line of the file."""


def python_source(program: "Program") -> str:
    """Return the file."""
    environment = Environment(
        loader=PackageLoader("grokscope.explanation", "modular"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    operation, operands, answers = _coordinates(program)
    products = program.coordinates.n != program.p
    return environment.get_template("program_template.py.j2").render(
        formula=program.operation.replace("−", "-").replace("·", "*"),
        algorithm=program.algorithm,
        source=_SOURCES[program.algorithm],
        pizza=program.algorithm == "pizza",
        p=program.p,
        n=program.coordinates.n,
        constants=[
            _constant("FREQUENCIES", program.frequencies),
            _constant("AMPLITUDES", program.amplitudes),
            _constant("PHASES", program.phases),
        ],
        generator=int(program.coordinates.a[1]) if products else None,
        operands=operands,
        answers=answers,
        operation=operation,
    )


def _constant(name: str, values: tuple[int, ...] | tuple[float, ...]) -> str:
    line = f"{name} = ({', '.join(map(repr, values))}{',' if len(values) == 1 else ''})"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name} = (", *(f"    {value!r}," for value in values), ")"])


def _coordinates(program: "Program") -> tuple[str, str, str]:
    """Return the operation, both operands' coordinates and the answers', as source."""
    names, p = program.coordinates, program.p

    def times(factor: int, name: str) -> str:
        return name if factor == 1 else f"{factor} * {name}"

    if names.n == p:
        alpha, beta, gamma = pow(int(names.a[1]), -1, p), pow(int(names.b[1]), -1, p), int(names.c[0])
        plus = f" + {gamma}" if gamma else ""
        operation = f"({times(alpha, 'a')} + {times(beta, 'b')}{plus}) % P"
        answers = f"(np.arange(P) - {gamma}) % P" if gamma else "np.arange(P)"
        return operation, f"{times(alpha, 'a')} % P, {times(beta, 'b')} % P", answers
    unit = int(names.c[0])
    answers = "LOG" if unit == 1 else f"LOG[{pow(unit, -1, p)} * np.arange(P) % P]"
    return f"{times(unit, 'a * b')} % P", "LOG[a % P], LOG[b % P]", answers
