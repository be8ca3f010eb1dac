"""Who a wallet says it is, and who others say it is: names, and the operator's lists of addresses."""
