"""Why there: which parts of a photo a model's answer rests on, and how far that can be trusted."""
