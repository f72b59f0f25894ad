"""Reports: a folder that a person opens and a program reads."""

from graticule.reports.comparison import write_comparison
from graticule.reports.evaluation import write_report

__all__ = ["write_comparison", "write_report"]
