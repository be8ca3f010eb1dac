"""The HTTP side: what operators and their monitoring ask the daemon."""
