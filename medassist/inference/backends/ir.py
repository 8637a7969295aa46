"""Open the OpenVINO program a package brings: verified bytes, known operations, sizes the machine can hold.

OpenVINO's reader runs no code of a program, but a program may ask for tensors of any size, and may name operations of
extensions. So the XML is looked through first (no document type, only operations that convolutional networks and
transformers are made of, all constants inside the other file), and the shapes OpenVINO then derives are measured
before anything is compiled.
"""

from __future__ import annotations

from math import prod
from typing import Any
from xml.parsers import expat

from medassist.inference.backends.protocol import Unsupported
from medassist.inference.devices import free_bytes
from medassist.inference.optimised import Optimised
from medassist.inference.promised import promised

MOST_XML_BYTES = 64_000_000
MOST_BYTES = 20_000_000_000
MOST_TENSOR_BYTES = 8 * 2**30
BYTES_OF_A_NUMBER = 4
_OPERATIONS = """
adaptiveavgpool add avgpool batchnorminference broadcast clamp concat const convert convolution
convolutionbackpropdata divide elu equal erf exp fakequantize gather gelu greater gridsample groupconvolution
groupconvolutionbackpropdata groupnormalization hardsigmoid hsigmoid hswish interpolate less log logsoftmax matmul
maximum maxpool minimum mish multiply mvn negative normalizel2 notequal pad parameter power prelu reducemax reducemean
reduceprod reducesum relu reshape result select selu shapeof sigmoid slice softmax softplus split sqrt
squareddifference squeeze stridedslice subtract swish tanh tile transpose unsqueeze variadicsplit
"""
KNOWN = frozenset(_OPERATIONS.split())


def open_program(made: Optimised, model: str, core: Any) -> Any:
    """Return the program of a package as OpenVINO's model.

    Args:
        made: where it lies and what its hashes are.
        model: name of the package, for messages.
        core: OpenVINO's.

    Refused when a file is not the promised one; Unsupported when it holds what is not known here, does not fit the
    promised shape, or needs a tensor that the machine cannot hold.
    """
    program = promised(made.program.file, made.program.sha256, model, MOST_XML_BYTES)
    numbers = promised(made.numbers.file, made.numbers.sha256, model, MOST_BYTES)
    look_through(program)
    try:
        read = core.read_model(program, numbers)
    except (RuntimeError, TypeError) as error:
        raise Unsupported("OpenVINO cannot read the program of the package") from error
    _measure(read, made)
    return read


def look_through(program: bytes) -> None:
    """Raise Unsupported for XML that is none, declares a document type, or holds an operation that is not known."""
    parser = expat.ParserCreate()

    def element(name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "").lower()
        if name == "layer" and kind not in KNOWN:
            raise Unsupported(f"the operation {attributes.get('type', '')[:40]!r} of its program is not known here")

    def document_type(*_told: object) -> None:
        raise Unsupported("its program declares a document type")

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(program, True)
    except expat.ExpatError as error:
        raise Unsupported("its program is no XML") from error


def _measure(read: Any, made: Optimised) -> None:
    inputs = read.inputs
    if len(inputs) != 1 or inputs[0].partial_shape.is_dynamic or tuple(inputs[0].shape) != made.shape:
        raise Unsupported("its program takes other windows than its metadata say")
    free = free_bytes("cpu")
    most = MOST_TENSOR_BYTES if free is None else min(MOST_TENSOR_BYTES, free)
    for operation in read.get_ops():
        for output in operation.outputs():
            if output.partial_shape.is_dynamic:
                raise Unsupported("its program has tensors of no known size")
            if prod(output.shape) * BYTES_OF_A_NUMBER > most:
                raise Unsupported("its program needs more memory than there is")
