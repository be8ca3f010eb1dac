// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @title Whose doing a decline is, and what it costs
library Declines {
    /// @dev Of a fee that covers an answer, a tenth covers a decline.
    uint256 private constant KEPT_PART = 10;

    /// @notice True for what the requester caused, and could cause again for nothing.
    function byRequester(IAIRiskOracle.DeclineReason reason) internal pure returns (bool) {
        return
            reason == IAIRiskOracle.DeclineReason.UnsupportedAsset ||
            reason == IAIRiskOracle.DeclineReason.PrivateDataNotOpened ||
            reason == IAIRiskOracle.DeclineReason.OperatorPolicy;
    }

    /// @notice The part of a fee that the oracle keeps, wei.
    function kept(uint96 feeWei, IAIRiskOracle.DeclineReason reason) internal pure returns (uint256) {
        return byRequester(reason) ? feeWei / KEPT_PART : 0;
    }
}
