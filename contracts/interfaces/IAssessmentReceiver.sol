// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IAIRiskOracle} from "./IAIRiskOracle.sol";

/// @title A contract that wants to be told of its answers
interface IAssessmentReceiver {
    /// @notice Called once, by the oracle, after the answer is stored. A failure changes nothing: read the answer later.
    /// @dev Check that `msg.sender` is the oracle and that the request is yours. The gas that was asked for is given, no more.
    function onAssessment(uint256 requestId, IAIRiskOracle.Assessment calldata assessment) external;
}
