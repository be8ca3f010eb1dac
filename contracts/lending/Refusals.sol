// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../interfaces/ILendingDesk.sol";
import {LoanBook} from "./LoanBook.sol";

/// @title Whom a refusal binds, and who may have plain terms
/// @notice A lender that can be talked out of an assessment need not ask for one. What speaks against a wallet binds for the
/// policy's cool-down: a refusal or a review here, and what the oracle says of its last requests, whoever asked.
abstract contract Refusals is LoanBook {
    /// @notice Until when a refusal or a review here binds a wallet, Unix seconds.
    mapping(address borrower => uint256 until) public boundUntil;

    /// @inheritdoc ILendingDesk
    function isBound(address borrower) public view returns (bool) {
        if (block.timestamp < boundUntil[borrower]) return true;
        uint256[5] memory requestIds = oracle.recentRequests(borrower);
        for (uint256 i = 0; i < requestIds.length; ++i) {
            if (requestIds[i] != 0 && _speaksAgainst(requestIds[i])) return true;
        }
        return false;
    }

    /// @dev Whether an answer approves a loan by itself, without a reviewer.
    function _meets(IAIRiskOracle.Assessment memory a) internal view returns (bool) {
        return
            a.category == 0 &&
            a.score >= _policy.minimumScore &&
            a.fraudLikelihood < _policy.fraudLimit &&
            a.confidence >= _policy.minimumConfidence;
    }

    function _bind(address borrower) internal {
        boundUntil[borrower] = block.timestamp + _policy.refusalCooldown;
    }

    /// @dev An answer approved the wallet: what this desk held against it is over.
    function _release(address borrower) internal {
        if (boundUntil[borrower] != 0) boundUntil[borrower] = 0;
    }

    /// @dev Revert unless the oracle failed this request, and nothing speaks against the borrower.
    function _checkPlain(uint256 loanId, Loan storage record) internal view {
        bool forAll = _policy.plainTermsForAll;
        if (record.state == LoanState.Review && !forAll) revert ReviewStands(loanId);
        IAIRiskOracle.RequestState answer = oracle.stateOf(record.requestId);
        if (answer == IAIRiskOracle.RequestState.Pending && block.timestamp <= record.answerBy)
            revert AnswerPending(loanId, record.answerBy);
        if (answer == IAIRiskOracle.RequestState.Answered) {
            bool stale = block.timestamp >= oracle.assessmentOf(record.requestId).expiresAt;
            if (!stale || !forAll) revert AnswerStands(loanId);
        }
        if (forAll) return;
        (IAIRiskOracle.DeclineReason reason, ) = oracle.declineOf(record.requestId);
        // Nobody can tell an oracle that failed from private data that were never handed in.
        if (!record.neutral || _isOfTheWallet(reason)) revert NotTheOraclesFault(loanId, reason);
        if (isBound(record.borrower)) revert RefusalStands(record.borrower);
    }

    /// @dev The asset is the lender's choice; history and model are the oracle's.
    function _isOfTheWallet(IAIRiskOracle.DeclineReason reason) private pure returns (bool) {
        return
            reason == IAIRiskOracle.DeclineReason.PrivateDataNotOpened ||
            reason == IAIRiskOracle.DeclineReason.OperatorPolicy;
    }

    function _speaksAgainst(uint256 requestId) private view returns (bool) {
        IAIRiskOracle.RequestState state = oracle.stateOf(requestId);
        uint256 at;
        if (state == IAIRiskOracle.RequestState.Answered) {
            IAIRiskOracle.Assessment memory a = oracle.assessmentOf(requestId);
            if (_meets(a)) return false;
            at = a.issuedAt;
        } else if (state == IAIRiskOracle.RequestState.Declined) {
            IAIRiskOracle.DeclineReason reason;
            (reason, at) = oracle.declineOf(requestId);
            if (!_isOfTheWallet(reason)) return false;
        } else {
            return false;
        }
        return block.timestamp < at + _policy.refusalCooldown;
    }
}
