"""Gradients written into an exported network as operations of its own forward pass.

In: an ONNX model. Out: the same model with the output ``saliency``. Needs the package ``onnx``, when a bundle
is made; answering needs ONNX Runtime alone.
"""
