// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "./interfaces/IAIRiskOracle.sol";
import {RequestWord} from "./lib/RequestWord.sol";

/// @title What a consumer reads: where requests stand, and the answers
abstract contract OracleViews is IAIRiskOracle {
    mapping(uint256 requestId => RequestWord) internal _requests;
    mapping(address user => uint256 requestId) internal _latestAnswered;

    /// @inheritdoc IAIRiskOracle
    function stateOf(uint256 requestId) external view returns (RequestState) {
        return _requests[requestId].state();
    }

    /// @inheritdoc IAIRiskOracle
    function assessmentOf(uint256 requestId) external view returns (Assessment memory) {
        RequestWord word = _requests[requestId];
        RequestState state = word.state();
        if (state != RequestState.Answered) revert NotAnswered(requestId, state);
        return word.assessment();
    }

    /// @inheritdoc IAIRiskOracle
    function getAssessment(address user) external view returns (Assessment memory) {
        return _latest(user);
    }

    /// @inheritdoc IAIRiskOracle
    function isFresh(address user, uint256 maxAge) external view returns (bool) {
        if (_latestAnswered[user] == 0) return false;
        Assessment memory latest = _latest(user);
        return block.timestamp < latest.expiresAt && block.timestamp - latest.issuedAt <= maxAge;
    }

    /// @inheritdoc IAIRiskOracle
    function riskCategory(address user) external view returns (uint8) {
        return _unexpired(user).category;
    }

    /// @inheritdoc IAIRiskOracle
    function riskScore(address user) external view returns (uint16) {
        return _unexpired(user).score;
    }

    /// @inheritdoc IAIRiskOracle
    function defaultProb(address user) external view returns (uint16) {
        return _unexpired(user).probabilityOfDefault;
    }

    /// @inheritdoc IAIRiskOracle
    function fraudLikelihood(address user) external view returns (uint16) {
        return _unexpired(user).fraudLikelihood;
    }

    /// @inheritdoc IAIRiskOracle
    function recommendedTerms(address user) external view returns (uint16, uint16, uint16) {
        Assessment memory latest = _unexpired(user);
        return (latest.interestRate, latest.durationDays, latest.maximumLtv);
    }

    /// @inheritdoc IAIRiskOracle
    function confidence(address user) external view returns (uint16) {
        return _unexpired(user).confidence;
    }

    function _latest(address user) private view returns (Assessment memory) {
        uint256 requestId = _latestAnswered[user];
        if (requestId == 0) revert NoAssessment(user);
        return _requests[requestId].assessment();
    }

    function _unexpired(address user) private view returns (Assessment memory latest) {
        latest = _latest(user);
        if (block.timestamp >= latest.expiresAt) revert AssessmentExpired(user, latest.expiresAt);
    }
}
