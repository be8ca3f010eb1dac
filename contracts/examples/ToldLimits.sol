// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AssessmentReceiver} from "../base/AssessmentReceiver.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @title An example: credit limits that the oracle's answers set by themselves
contract ToldLimits is AssessmentReceiver {
    uint24 public constant CALLBACK_GAS = 100_000;
    uint16 private constant LEAST_CONFIDENCE = 4_000;

    /// @notice How much of a collateral's value a wallet may borrow, in basis points; by its newest answer here.
    mapping(address => uint16) public limitOf;

    constructor(IAIRiskOracle oracle_) AssessmentReceiver(oracle_) {}

    /// @notice Send exactly `fee() + callbackFee(CALLBACK_GAS)`; `consent` is the caller's signature over exactly this.
    function ask(
        IAIRiskOracle.LoanTerms calldata terms,
        IAIRiskOracle.Consent calldata consent
    ) external payable returns (uint256 requestId) {
        bytes32 withoutPrivateData = oracle.neutralCommitment();
        return _askToBeTold(msg.sender, terms, withoutPrivateData, consent, CALLBACK_GAS, msg.value);
    }

    function _onAssessment(uint256, address user, IAIRiskOracle.Assessment calldata assessment) internal override {
        bool good = assessment.category < 2 && assessment.confidence >= LEAST_CONFIDENCE;
        limitOf[user] = good ? assessment.maximumLtv : 0;
    }
}
