"""An audit: what a model leans on that is no evidence of the place. ONNX Runtime only, no torch."""

from graticule.explanations.auditing.audit import Audit, AuditSettings, audit
from graticule.explanations.auditing.rectangles import Rectangle

__all__ = ["Audit", "AuditSettings", "Rectangle", "audit"]
