"""The page of the encrypted card approval: its six steps by hand, on a lane that runs on this machine."""
