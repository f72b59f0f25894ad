"""Methods of explaining that need the network in torch: attention, integrated gradients; of runs."""

from graticule.training.explaining.runs import ExplainedRun, read_run

__all__ = ["ExplainedRun", "read_run"]
