// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {DeskFixture} from "./support/DeskFixture.sol";
import {anyOrder, openPolicy} from "./support/Loans.sol";

/// @title Not to be assessed gains a borrower nothing: plain terms beside the real model's answers
contract PlainTermsTest is DeskFixture {
    bytes32 private constant DRAWN = keccak256("the real model's outputs, by listed proofs");

    /// @dev The real model's scales, so that its outputs mean here what they mean there.
    function _activateDrawn() private {
        _activate(
            DRAWN,
            IModelRegistry.ModelSpec(
                address(verifier),
                address(verifier).codehash,
                keccak256("features"),
                uint256(realNeutral),
                realScales,
                1,
                IModelRegistry.Statement.Committed
            )
        );
    }

    /// @dev A large, long loan, of which each is granted what it may have.
    function _order() private pure returns (ILendingDesk.Order memory) {
        return anyOrder(100 ether, 10 ether, 180 days);
    }

    function _settled(int256[] memory outputs, bool reviewed) private returns (ILendingDesk.Loan memory) {
        (uint256 loanId, IAIRiskOracle.Request memory request) = _apply(pool, _order());
        IAIRiskOracle.Report memory report = _report(pool.loan(loanId).requestId, outputs);
        report.modelId = DRAWN;
        bytes memory proof = _proof(request, report);
        _provide(request, report, proof);
        pool.settle(loanId);
        if (reviewed && pool.loan(loanId).state == ILendingDesk.LoanState.Review) pool.approveReviewed(loanId);
        return pool.loan(loanId);
    }

    function _plain() private returns (ILendingDesk.Loan memory) {
        uint256 snapshot = vm.snapshotState();
        (uint256 loanId, ) = _apply(pool, _order());
        vm.warp(uint256(pool.loan(loanId).answerBy) + 1);
        _takePlain(pool, loanId);
        ILendingDesk.Loan memory plain = pool.loan(loanId);
        vm.revertToState(snapshot);
        return plain;
    }

    /// @dev The worst wallet that the policy approves gets no less on any count, whoever decides.
    function test_plain__when_compared_with_real_answers__then_they_are_nowhere_better() public {
        _activateDrawn();
        ILendingDesk.Loan memory plain = _plain();
        int256[] memory drawn = _drawn();
        check(drawn.length >= 900, "many answers");
        uint256 paid;
        uint256 better;
        for (uint256 i = 0; i < drawn.length; i += 10) {
            int256[] memory outputs = new int256[](10);
            for (uint256 j = 0; j < 10; ++j) outputs[j] = drawn[i + j];
            uint256 snapshot = vm.snapshotState();
            ILendingDesk.Loan memory l = _settled(outputs, true);
            vm.revertToState(snapshot);
            if (l.state != ILendingDesk.LoanState.Active) continue;
            ++paid;
            check(l.principal >= plain.principal, "principal");
            check(l.interestRate <= plain.interestRate, "rate");
            check(l.duration >= plain.duration, "duration");
            if (l.principal > plain.principal && l.duration > plain.duration) ++better;
        }
        check(paid >= 24, "some are paid");
        check(better >= paid / 2, "and most of them clearly more");
    }

    /// @dev What an answer grants below plain terms is refused: there is nobody to whom plain terms are the better ones.
    function test_answer__when_it_grants_less_than_plain_terms__then_it_is_refused() public {
        int256[] memory outputs = _lowOutputs();
        uint256 snapshot = vm.snapshotState();
        outputs[8] = 102; // 9.96 % of the collateral
        _refused(outputs);
        outputs[8] = 103; // 10.05 %
        outputs[7] = 9; // 6 days
        _refused(outputs);
        outputs[7] = 10; // 7 days
        vm.revertToState(snapshot);
        uint256 loanId = _answered(pool, outputs);
        pool.settle(loanId);
        _state(pool, loanId, ILendingDesk.LoanState.Active);
    }

    function _refused(int256[] memory outputs) private {
        uint256 loanId = _answered(pool, outputs);
        pool.settle(loanId);
        _state(pool, loanId, ILendingDesk.LoanState.Refused);
        _inReview(outputs);
    }

    /// @dev Nor may a reviewer grant it.
    function _inReview(int256[] memory outputs) private {
        int256 low = outputs[1];
        outputs[1] = 201;
        uint256 loanId = _answered(pool, outputs);
        pool.settle(loanId);
        pool.approveReviewed(loanId);
        _state(pool, loanId, ILendingDesk.LoanState.Refused);
        outputs[1] = low;
    }

    function test_policy__when_plain_terms_would_be_better_than_assessed_ones__then_it_is_refused() public {
        ILendingDesk.Policy memory policy = openPolicy();
        policy.plainInterestRate = policy.maximumInterestRate - 1;
        _invalid(policy, "plainInterestRate", policy.plainInterestRate);
        policy = openPolicy();
        policy.plainLtv = policy.maximumLtv + 1;
        _invalid(policy, "plainLtv", policy.plainLtv);
        policy.plainLtv = 0;
        _invalid(policy, "plainLtv", 0);
        policy = openPolicy();
        policy.plainDuration = policy.maximumDuration + 1;
        _invalid(policy, "plainDuration", policy.plainDuration);
        policy.plainDuration = 0;
        _invalid(policy, "plainDuration", 0);
        policy = openPolicy();
        policy.refusalCooldown = 0;
        _invalid(policy, "refusalCooldown", 0);
        policy.plainTermsForAll = true;
        _setPolicy(policy);
    }

    function _invalid(ILendingDesk.Policy memory policy, string memory name, uint256 value) private {
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, name, value));
            if (i == 0) pool.setPolicy(policy);
            else lender.setPolicy(policy);
        }
    }

    function test_plain__when_taken__then_the_policys_plain_terms_hold() public {
        ILendingDesk.Loan memory plain = _plain();
        equal(plain.principal, 1 ether, "10 % of the collateral");
        equal(plain.interestRate, 3_000, "the highest rate");
        equal(plain.duration, 7 days, "the plain duration");
        equal(plain.gracePeriod, 7 days / 4, "a quarter of it");
        uint256 loanId = _expired(lender);
        _takePlain(lender, loanId);
        equal(lender.loan(loanId).principal, 400 * DOLLARS, "10 % of 4,000 dollars");
    }
}
