"""Bundles: a trained model as files that anybody can open, and nothing in them is executed."""

from graticule.bundle.card import BundleCard
from graticule.bundle.files import Bundle, read_bundle, write_bundle
from graticule.bundle.regions import RegionRule
from graticule.bundle.scaling import Scaling

__all__ = ["Bundle", "BundleCard", "RegionRule", "Scaling", "read_bundle", "write_bundle"]
