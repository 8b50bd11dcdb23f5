"""ONNX Runtime without its telemetry, which writes an identifier into the home folder when it is imported, and reports.

Whoever needs the package takes it from here, so that nothing leaves the machine. `ORT_DISABLE_TELEMETRY=0` lets it.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when the library is loaded

import onnxruntime as onnxruntime
