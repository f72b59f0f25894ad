"""What a photo gives away: its metadata, the parts that tell the place, and a copy without both."""

from graticule.explanations.privacy.check import PrivacyReport, PrivacySettings, Told, check_privacy
from graticule.explanations.privacy.revealing import Region

__all__ = ["PrivacyReport", "PrivacySettings", "Region", "Told", "check_privacy"]
