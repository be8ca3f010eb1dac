// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {DeskFixture} from "./support/DeskFixture.sol";
import {openPolicy} from "./support/Loans.sol";

/// @title Whom a refusal, a review and a decline bind, at both lenders
contract RefusalsTest is DeskFixture {
    IAIRiskOracle.DeclineReason private constant HISTORY = IAIRiskOracle.DeclineReason.HistoryUnavailable;
    IAIRiskOracle.DeclineReason private constant SANCTIONED = IAIRiskOracle.DeclineReason.OperatorPolicy;
    IAIRiskOracle.DeclineReason private constant NOT_OPENED = IAIRiskOracle.DeclineReason.PrivateDataNotOpened;

    /// @dev The first way around a refusal: asked again with a commitment that nobody can open, and declined.
    function test_plain__when_refused_and_the_next_data_are_not_opened__then_nothing_is_paid() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 refused = _proven(desk, "high");
            desk.settle(refused);
            _state(desk, refused, ILendingDesk.LoanState.Refused);
            (uint256 loanId, IAIRiskOracle.Request memory request) = _applyVouched(desk);
            _decline(desk.loan(loanId).requestId, request, uint8(NOT_OPENED));
            _plainRefused(desk, loanId, ILendingDesk.NotTheOraclesFault.selector);
        }
    }

    /// @dev Nobody can tell such a request from one that the oracle failed: it is never the oracle's fault.
    function test_plain__when_the_data_were_private_and_the_deadline_passed__then_nothing_is_paid() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            (uint256 loanId, IAIRiskOracle.Request memory request) = _applyVouched(desk);
            vm.warp(uint256(request.deadline) + 1);
            _plainRefused(desk, loanId, ILendingDesk.NotTheOraclesFault.selector);
            oracle.cancelRequest(request, desk.loan(loanId).requestId);
            _plainRefused(desk, loanId, ILendingDesk.NotTheOraclesFault.selector);
        }
    }

    /// @dev The second way: on the operator's list, which spared the wallet its assessment.
    function test_plain__when_declined_by_the_operators_list__then_nothing_is_paid() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 listed = _declined(desk, SANCTIONED);
            _plainRefused(desk, listed, ILendingDesk.NotTheOraclesFault.selector);
            // Nor by the next request, which the oracle fails.
            uint256 next = _expired(desk);
            _plainRefused(desk, next, ILendingDesk.RefusalStands.selector);
            vm.warp(_time() + 30 days);
        }
    }

    /// @dev The third way: a high risk that nobody settles until it is stale.
    function test_plain__when_a_high_risk_went_stale__then_it_still_refuses() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _proven(desk, "high");
            _plainRefused(desk, loanId, ILendingDesk.AnswerStands.selector);
            vm.warp(_time() + 10 * uint256(ASSESSMENT_LIFETIME));
            _plainRefused(desk, loanId, ILendingDesk.AnswerStands.selector);
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Refused);
        }
    }

    /// @dev The fourth way: a review that its borrower starts in the answer's last second.
    function test_plain__when_a_review_outlives_its_answer__then_the_reviewer_decides() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 approved = _proven(desk, "medium");
            uint256 refused = _proven(desk, "medium");
            vm.warp(_time() + ASSESSMENT_LIFETIME - 1);
            desk.settle(approved);
            vm.warp(_time() + 100 days);
            // However late it is settled, it is a review.
            desk.settle(refused);
            _state(desk, refused, ILendingDesk.LoanState.Review);
            _plainRefused(desk, approved, ILendingDesk.ReviewStands.selector);
            _plainRefused(desk, refused, ILendingDesk.ReviewStands.selector);
            desk.approveReviewed(approved);
            _state(desk, approved, ILendingDesk.LoanState.Active);
            desk.refuseReviewed(refused);
            _state(desk, refused, ILendingDesk.LoanState.Refused);
        }
    }

    function test_plain__when_a_good_answer_went_stale__then_one_asks_again() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _answered(desk, _lowOutputs());
            vm.warp(_time() + ASSESSMENT_LIFETIME);
            vm.expectPartialRevert(ILendingDesk.AnswerStale.selector);
            desk.settle(loanId);
            _plainRefused(desk, loanId, ILendingDesk.AnswerStands.selector);
            vm.prank(borrower);
            desk.withdrawApplication(loanId);
            desk.settle(_answered(desk, _lowOutputs()));
        }
    }

    function test_plain__when_the_oracle_failed__then_they_are_paid() public {
        IAIRiskOracle.DeclineReason[3] memory reasons = [
            HISTORY,
            IAIRiskOracle.DeclineReason.UnsupportedAsset,
            IAIRiskOracle.DeclineReason.ModelNotApplicable
        ];
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            for (uint256 j = 0; j < 3; ++j) {
                uint256 declined = _declined(desk, reasons[j]);
                _takePlain(desk, declined);
                _state(desk, declined, ILendingDesk.LoanState.Active);
            }
            uint256 expired = _expired(desk);
            _takePlain(desk, expired);
            _state(desk, expired, ILendingDesk.LoanState.Active);
        }
    }

    function test_refusal__when_the_cool_down_runs__then_a_failing_oracle_helps_nobody() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            desk.settle(_answered(desk, _highOutputs()));
            uint256 refusedAt = _time();
            // Its last requests no longer tell, but the desk does.
            for (uint256 j = 0; j < 5; ++j) _ask();
            uint256 loanId = _expired(desk);
            check(desk.isBound(borrower), "bound");
            _plainRefused(desk, loanId, ILendingDesk.RefusalStands.selector);
            vm.warp(refusedAt + 30 days - 1);
            _plainRefused(desk, loanId, ILendingDesk.RefusalStands.selector);
            vm.warp(refusedAt + 30 days);
            check(!desk.isBound(borrower), "free");
            _takePlain(desk, loanId);
        }
    }

    function test_refusal__when_another_desk_was_told__then_it_binds_here_too() public {
        int256[][5] memory bad = [_highOutputs(), _mediumOutputs(), _lowOutputs(), _lowOutputs(), _lowOutputs()];
        bad[2][3] = 700; // score
        bad[3][5] = 300; // fraud
        bad[4][9] = 90; // confidence
        ILendingDesk.Policy memory policy = openPolicy();
        policy.minimumConfidence = 4_000;
        _setPolicy(policy);
        for (uint256 i = 0; i < 5; ++i) {
            _answered(pool, bad[i]);
            uint256 answeredAt = _time();
            uint256 loanId = _expired(lender);
            _plainRefused(lender, loanId, ILendingDesk.RefusalStands.selector);
            vm.warp(answeredAt + 30 days);
            _takePlain(lender, loanId);
        }
    }

    function test_refusal__when_something_changed__then_the_next_answer_pays() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            desk.settle(_answered(desk, _highOutputs()));
            uint256 good = _answered(desk, _lowOutputs());
            desk.settle(good);
            _state(desk, good, ILendingDesk.LoanState.Active);
            equal(_bound(desk), 0, "what the desk held against it is over");
        }
    }

    function test_review__when_withdrawn__then_it_binds_as_long() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _answered(desk, _mediumOutputs());
            desk.settle(loanId);
            vm.prank(borrower);
            desk.withdrawApplication(loanId);
            equal(_bound(desk), _time() + 30 days, "bound");
            for (uint256 j = 0; j < 5; ++j) _ask();
            uint256 next = _expired(desk);
            _plainRefused(desk, next, ILendingDesk.RefusalStands.selector);
        }
    }

    function test_policy__when_it_offers_plain_terms_to_all__then_those_get_them() public {
        ILendingDesk.Policy memory policy = openPolicy();
        policy.plainTermsForAll = true;
        _setPolicy(policy);
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            _takePlain(desk, _declined(desk, SANCTIONED));
            uint256 loanId = _answered(desk, _highOutputs());
            _plainRefused(desk, loanId, ILendingDesk.AnswerStands.selector);
            vm.warp(_time() + ASSESSMENT_LIFETIME);
            _takePlain(desk, loanId);
            uint256 reviewed = _answered(desk, _mediumOutputs());
            desk.settle(reviewed);
            vm.warp(_time() + ASSESSMENT_LIFETIME);
            _takePlain(desk, reviewed);
        }
    }

    function _bound(ILendingDesk desk) private view returns (uint256) {
        return address(desk) == address(pool) ? pool.boundUntil(borrower) : lender.boundUntil(borrower);
    }
}
