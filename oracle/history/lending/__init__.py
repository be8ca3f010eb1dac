"""What a wallet did at lending protocols, and its positions there: one file a protocol, its events, its prices."""
