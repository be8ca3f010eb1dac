// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IAssessmentReceiver} from "../interfaces/IAssessmentReceiver.sol";

/// @title A contract that asks, and is told of its answers
/// @notice Inherit it and say in {_onAssessment} what follows from an answer. Only the oracle can tell, only of what was
/// asked here, and once. Whatever {_onAssessment} does must fit the gas that was asked for: a failing callback changes
/// nothing, and the answer is still there to be read.
abstract contract AssessmentReceiver is IAssessmentReceiver {
    /// @notice The oracle that is asked.
    IAIRiskOracle public immutable oracle;

    /// @notice Whom a request that waits for its answer is about; zero for every other.
    mapping(uint256 => address) public awaited;

    error NotTheOracle(address caller);
    error NotAwaited(uint256 requestId);

    constructor(IAIRiskOracle oracle_) {
        oracle = oracle_;
    }

    /// @inheritdoc IAssessmentReceiver
    function onAssessment(uint256 requestId, IAIRiskOracle.Assessment calldata assessment) external override {
        if (msg.sender != address(oracle)) revert NotTheOracle(msg.sender);
        address user = awaited[requestId];
        if (user == address(0)) revert NotAwaited(requestId);
        delete awaited[requestId];
        _onAssessment(requestId, user, assessment);
    }

    /// @notice Ask about a consenting borrower, to be told of the answer.
    /// @param callbackGas gas for {onAssessment}, of which this contract's own part is about 10,000
    /// @param valueWei exactly `fee() + callbackFee(callbackGas)`, which the caller sent: never this contract's own ether
    function _askToBeTold(
        address user,
        IAIRiskOracle.LoanTerms calldata terms,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent,
        uint24 callbackGas,
        uint256 valueWei
    ) internal returns (uint256 requestId) {
        requestId = oracle.requestAssessmentWithCallback{value: valueWei}(
            user,
            terms,
            dataCommitment,
            consent,
            callbackGas
        );
        awaited[requestId] = user;
    }

    /// @notice What follows from an answer about `user`, which was asked for here.
    function _onAssessment(
        uint256 requestId,
        address user,
        IAIRiskOracle.Assessment calldata assessment
    ) internal virtual;
}
