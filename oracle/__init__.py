"""AI Risk Oracle: credit-risk assessments for smart contracts, each proven in zero knowledge."""
