// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "./IAIRiskOracle.sol";

/// @title A contract that wants to be told of its answers
interface IAssessmentReceiver {
    /// @notice Called once, by the oracle, after the answer is stored. A failure changes nothing: read the answer later.
    /// @dev Check that `msg.sender` is the oracle and that the request is yours. At most the oracle's CALLBACK_GAS is given.
    function onAssessment(uint256 requestId, IAIRiskOracle.Assessment calldata assessment) external;
}
