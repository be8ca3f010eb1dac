"""What a wallet did at exchanges: swaps that paid it, liquidity that it gave, and calls of their routers."""
