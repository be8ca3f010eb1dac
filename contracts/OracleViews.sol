// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "./interfaces/IAIRiskOracle.sol";
import {RequestWord} from "./lib/RequestWord.sol";
import {WalletWord, WalletWords} from "./lib/WalletWord.sol";

/// @title What a consumer reads: where requests stand, and the answers
abstract contract OracleViews is IAIRiskOracle {
    mapping(uint256 requestId => RequestWord) internal _requests;
    mapping(address user => WalletWord) internal _wallets;

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
    function declineOf(uint256 requestId) external view returns (DeclineReason, uint40) {
        (uint8 reason, uint40 declinedAt) = _requests[requestId].decline();
        return (DeclineReason(reason), declinedAt);
    }

    /// @inheritdoc IAIRiskOracle
    function recentRequests(address user) external view returns (uint256[5] memory requestIds) {
        WalletWord wallet = _wallets[user];
        for (uint256 i = 0; i < WalletWords.REQUESTS; ++i) requestIds[i] = wallet.request(i);
    }

    /// @inheritdoc IAIRiskOracle
    function nonces(address user) external view returns (uint256) {
        return _wallets[user].nonce();
    }

    /// @inheritdoc IAIRiskOracle
    function getAssessment(address user) external view returns (Assessment memory) {
        return _latest(user);
    }

    /// @inheritdoc IAIRiskOracle
    function isFresh(address user, uint256 maxAge) external view returns (bool) {
        (bool found, Assessment memory latest) = _find(user);
        return found && block.timestamp < latest.expiresAt && block.timestamp - latest.issuedAt <= maxAge;
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

    /// @dev Answers may arrive out of order: an older request never hides a newer answer.
    function _find(address user) private view returns (bool found, Assessment memory latest) {
        WalletWord wallet = _wallets[user];
        for (uint256 i = 0; i < WalletWords.REQUESTS; ++i) {
            RequestWord word = _requests[wallet.request(i)];
            // Anybody can invent private data: what comes of them says something to who asked, and knows who vouches.
            if (word.state() == RequestState.Answered && !word.hasPrivateData()) return (true, word.assessment());
        }
    }

    function _latest(address user) private view returns (Assessment memory) {
        (bool found, Assessment memory latest) = _find(user);
        if (!found) revert NoAssessment(user);
        return latest;
    }

    function _unexpired(address user) private view returns (Assessment memory latest) {
        latest = _latest(user);
        if (block.timestamp >= latest.expiresAt) revert AssessmentExpired(user, latest.expiresAt);
    }
}
