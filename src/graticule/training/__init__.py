"""Learning: from a recipe and a photo table to a run folder, and from a run folder to a bundle.

``graticule.training.recipe`` and ``graticule.training.recipe.files`` work without torch; the rest needs
the extra ``train``.
"""
