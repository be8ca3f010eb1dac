"""A request's stages, one short file each: collect, score, prove, sign, submit, confirm, finalize."""
