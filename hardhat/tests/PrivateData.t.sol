// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IAcceptedIssuers} from "../contracts/interfaces/IAcceptedIssuers.sol";
import {IIssuerRegistry} from "../contracts/interfaces/IIssuerRegistry.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {SmartLending} from "../contracts/lending/SmartLending.sol";
import {DeskFixture} from "./support/DeskFixture.sol";
import {NOBODY, openPolicy} from "./support/Loans.sol";

/// @title Loans with private data, at both lenders: whose word counts, for what, and until when
contract PrivateDataTest is DeskFixture {
    address private constant IMPOSTOR = address(0x1390);

    function _refusedOf(
        ILendingDesk desk,
        address who,
        bytes32 commitment,
        IIssuerRegistry.Attestation memory attestation,
        bytes4 why
    ) private {
        ILendingDesk.Order memory order = _order(desk);
        IAIRiskOracle.Consent memory consent = IAIRiskOracle.Consent(uint64(_time()), "");
        vm.deal(who, 100 ether);
        vm.prank(who);
        vm.expectPartialRevert(why);
        desk.requestLoan{value: uint256(COLLATERAL) + FEE}(order, commitment, consent, attestation);
        equal(who.balance, 100 ether, "nothing is kept");
    }

    function _refused(ILendingDesk desk, IIssuerRegistry.Attestation memory attestation, bytes4 why) private {
        _refusedOf(desk, borrower, DATA, attestation, why);
    }

    function _answeredVouched(ILendingDesk desk, int256[] memory outputs) private returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _applyVouched(desk);
        _answer(desk.loan(loanId).requestId, request, outputs);
    }

    function _settleRefused(ILendingDesk desk, uint256 loanId, bytes4 why) private {
        vm.expectPartialRevert(why);
        desk.settle(loanId);
        _state(desk, loanId, ILendingDesk.LoanState.Requested);
    }

    // ------------------------------------------------------------- applying

    /// @dev What lifted a twice-defaulted wallet from 36 points to 97: data that it made up, and can open.
    function testFuzz_apply__when_nobody_vouches__then_no_commitment_but_the_neutral_is_taken(bytes32 invented) public {
        vm.assume(invented != oracle.neutralCommitment());
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            ILendingDesk.Order memory order = _order(desk);
            IAIRiskOracle.Consent memory consent = _consent(address(desk), desk.judgedTerms(order), invented);
            vm.prank(borrower);
            vm.expectRevert(abi.encodeWithSelector(ILendingDesk.NobodyVouches.selector, invented));
            desk.requestLoan{value: uint256(COLLATERAL) + FEE}(order, invented, consent);
        }
    }

    function test_apply__when_an_issuer_vouches__then_the_loan_says_who() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            bytes32 issuer = i == 0 ? bank : employer;
            IIssuerRegistry.Attestation memory a = _attestation(issuer, borrower, DATA);
            (IAIRiskOracle.Consent memory consent, ) = _request(desk, _order(desk), DATA);
            vm.expectEmit();
            emit ILendingDesk.PrivateDataVouched(1, issuer, SCHEMA, DATA, a.validUntil);
            vm.prank(borrower);
            desk.requestLoan{value: uint256(COLLATERAL) + FEE}(_order(desk), DATA, consent, a);
            ILendingDesk.Loan memory l = desk.loan(1);
            check(!l.neutral, "with private data");
            equal(desk.commitmentOf(1), DATA, "these");
            equal(l.vouchedUntil, a.validUntil, "until then");
            (bytes32 by, bytes32 schema) = desk.acceptedIssuers().pairOf(l.vouched);
            check(by == issuer && schema == SCHEMA, "by whom, for what");

            (uint256 without, ) = _apply(desk);
            l = desk.loan(without);
            check(l.neutral && l.vouched == 0 && l.vouchedUntil == 0, "without");
            equal(desk.commitmentOf(without), bytes32(0), "none");
        }
    }

    function test_apply__when_the_data_are_anothers__then_they_are_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            IIssuerRegistry.Attestation memory hers = _attestation(bank, borrower, DATA);
            bytes4 no = IIssuerRegistry.NotSignedByIssuer.selector;
            // Her commitment and her attestation; her attestation for data of the impostor's own; his for hers.
            _refusedOf(desk, IMPOSTOR, DATA, hers, no);
            _refusedOf(desk, IMPOSTOR, bytes32(uint256(0x1390)), hers, no);
            IIssuerRegistry.Attestation memory his = _attestation(bank, IMPOSTOR, bytes32(uint256(0x1390)));
            _refusedOf(desk, IMPOSTOR, DATA, his, no);
        }
    }

    function test_apply__when_the_issuer_does_not_count__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
            a.issuer = keccak256("nobody");
            _refused(desk, a, IAcceptedIssuers.IssuerNotAccepted.selector);
            a.issuer = bank;
            a.schema = keccak256("another schema");
            _refused(desk, a, IAcceptedIssuers.IssuerNotAccepted.selector);
            a.schema = SCHEMA;
            uint256 state = vm.snapshotState();
            accepted.setAccepted(bank, SCHEMA, false);
            _refused(desk, a, IAcceptedIssuers.IssuerNotAccepted.selector);
            vm.revertToState(state);
            state = vm.snapshotState();
            issuers.setActive(bank, false);
            _refused(desk, a, IIssuerRegistry.IssuerInactive.selector);
            vm.revertToState(state);
            state = vm.snapshotState();
            issuers.setSchema(bank, SCHEMA, false);
            _refused(desk, a, IIssuerRegistry.SchemaNotIssued.selector);
            vm.revertToState(state);
            state = vm.snapshotState();
            issuers.revokeIssuer(bank);
            _refused(desk, a, IIssuerRegistry.IssuerIsRevoked.selector);
            vm.revertToState(state);
            state = vm.snapshotState();
            issuers.revoke(bank, DATA);
            _refused(desk, a, IIssuerRegistry.CommitmentIsRevoked.selector);
            vm.revertToState(state);
            state = vm.snapshotState();
            vm.warp(uint256(a.validUntil) + 1);
            _refused(desk, a, IIssuerRegistry.AttestationExpired.selector);
            vm.revertToState(state);
        }
    }

    function test_apply__when_there_is_nothing_to_vouch_for__then_it_is_refused() public {
        bytes32 neutral = oracle.neutralCommitment();
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, neutral);
        for (uint256 i = 0; i < 2; ++i)
            _refusedOf(_desks()[i], borrower, neutral, a, ILendingDesk.NothingToVouchFor.selector);
    }

    function test_apply__when_a_lender_takes_no_private_data__then_not_even_vouched_ones() public {
        SmartLending without = Built.smartLending(address(manager), oracle, NOBODY, openPolicy());
        _refused(without, _attestation(bank, borrower, DATA), ILendingDesk.NobodyVouches.selector);
    }

    function test_apply__when_the_policy_wants_a_passport__then_none_is_refused() public {
        ILendingDesk.Policy memory policy = openPolicy();
        policy.passportRequired = true;
        _setPolicy(policy);
        bytes32 neutral = oracle.neutralCommitment();
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            ILendingDesk.Order memory order = _order(desk);
            (IAIRiskOracle.Consent memory consent, ) = _request(desk, order, neutral);
            vm.prank(borrower);
            vm.expectRevert(ILendingDesk.PassportRequired.selector);
            desk.requestLoan{value: uint256(COLLATERAL) + FEE}(order, neutral, consent);
            uint256 loanId = _answeredVouched(desk, _lowOutputs());
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Active);
        }
    }

    function test_policy__when_nobody_could_ask__then_it_is_refused() public {
        ILendingDesk.Policy memory policy = openPolicy();
        policy.passportRequired = true;
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "passportRequired", 1));
        Built.smartLending(address(manager), oracle, NOBODY, policy);
        IAcceptedIssuers none = IAcceptedIssuers(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "acceptedIssuers", 0xBAD));
        Built.smartLending(address(manager), oracle, none, openPolicy());
    }

    function test_apply__when_it_counts_for_ever__then_its_time_is_the_latest_there_is() public {
        uint64 validUntil = type(uint64).max;
        bytes32 digest = issuers.attestationDigest(borrower, DATA, SCHEMA, validUntil);
        IIssuerRegistry.Attestation memory a = IIssuerRegistry.Attestation(bank, SCHEMA, validUntil, _byBank(digest));
        (uint256 loanId, ) = _applyWith(pool, _order(pool), DATA, a);
        equal(pool.loan(loanId).vouchedUntil, type(uint40).max, "not cut to nothing");
    }

    // ------------------------------------------------------------- settling

    function test_settle__when_it_still_stands__then_the_loan_is_paid() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _answeredVouched(desk, _lowOutputs());
            vm.warp(desk.loan(loanId).vouchedUntil);
            if (_time() >= oracle.assessmentOf(desk.loan(loanId).requestId).expiresAt) vm.warp(_time() - 6.5 days);
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Active);
        }
    }

    function test_settle__when_the_word_was_taken_back_meanwhile__then_nothing_is_paid() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _answeredVouched(desk, _lowOutputs());
            accepted.setAccepted(bank, SCHEMA, false);
            _settleRefused(desk, loanId, IAcceptedIssuers.IssuerNotAccepted.selector);
            accepted.setAccepted(bank, SCHEMA, true);
            issuers.suspend(bank);
            _settleRefused(desk, loanId, IIssuerRegistry.IssuerInactive.selector);
            issuers.setActive(bank, true);
            uint256 state = vm.snapshotState();
            issuers.revoke(bank, DATA);
            _settleRefused(desk, loanId, IIssuerRegistry.CommitmentIsRevoked.selector);
            // The way on: the collateral back.
            vm.prank(borrower);
            desk.withdrawApplication(loanId);
            equal(_book(desk).claimable(borrower), COLLATERAL, "back");
            vm.revertToState(state);
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Active);
        }
    }

    function test_settle__when_its_time_ended_meanwhile__then_nothing_is_paid() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint64 validUntil = uint64(_time() + 1 hours);
            bytes32 digest = issuers.attestationDigest(borrower, DATA, SCHEMA, validUntil);
            (uint256 loanId, IAIRiskOracle.Request memory request) = _applyWith(
                desk,
                _order(desk),
                DATA,
                IIssuerRegistry.Attestation(bank, SCHEMA, validUntil, _byBank(digest))
            );
            _answer(desk.loan(loanId).requestId, request, _lowOutputs());
            vm.warp(uint256(validUntil) + 1);
            _settleRefused(desk, loanId, ILendingDesk.PrivateDataStale.selector);
            vm.warp(validUntil);
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Active);
        }
    }

    /// @dev Nobody escapes a refusal by having their own issuer take its word back.
    function test_settle__when_it_refuses__then_it_does_so_whatever_became_of_the_word() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 high = _answeredVouched(desk, _highOutputs());
            uint256 medium = _answeredVouched(desk, _mediumOutputs());
            uint256 state = vm.snapshotState();
            issuers.revoke(bank, DATA);
            vm.warp(uint256(desk.loan(high).vouchedUntil) + 1);
            desk.settle(high);
            _state(desk, high, ILendingDesk.LoanState.Refused);
            desk.settle(medium);
            _state(desk, medium, ILendingDesk.LoanState.Review);
            check(desk.isBound(borrower), "and it binds");
            vm.revertToState(state);
        }
    }

    /// @dev A reviewer has no limit of time, but does not lend on a word that was taken back.
    function test_review__when_the_word_was_taken_back__then_no_reviewer_lends_on_it() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _answeredVouched(desk, _mediumOutputs());
            desk.settle(loanId);
            vm.warp(uint256(desk.loan(loanId).vouchedUntil) + 1);
            uint256 state = vm.snapshotState();
            issuers.revoke(bank, DATA);
            vm.expectPartialRevert(IIssuerRegistry.CommitmentIsRevoked.selector);
            desk.approveReviewed(loanId);
            desk.refuseReviewed(loanId);
            vm.revertToState(state);
            desk.approveReviewed(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Active);
        }
    }

    // ------------------------------------------------------ what is answered

    /// @dev A real proof for real private data, vouched for by P-256.
    function test_answer__when_proven_with_private_data__then_it_says_so() public {
        Case memory c = _case("private");
        bytes32 commitment = bytes32(c.instances[1]);
        IIssuerRegistry.Attestation memory a = _attestation(employer, borrower, commitment);
        (uint256 loanId, IAIRiskOracle.Request memory request) = _applyWith(pool, _order(pool), commitment, a);
        uint256 id = pool.loan(loanId).requestId;
        IAIRiskOracle.Report memory report = _report(id, c.outputs);
        (report.modelId, report.featureCommitment) = (realModel, c.instances[0]);
        _provide(request, report, c.proof);
        check(oracle.assessmentOf(id).privateData, "with private data");
        // Who reads by wallet cannot know who vouches: such an answer is not what is read there.
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NoAssessment.selector, borrower));
        oracle.getAssessment(borrower);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NoAssessment.selector, borrower));
        oracle.riskScore(borrower);
        check(!oracle.isFresh(borrower, 1 days), "nothing fresh");
        pool.settle(loanId);

        uint256 without = _proven(pool, "low");
        check(!oracle.assessmentOf(pool.loan(without).requestId).privateData, "without");
        check(oracle.isFresh(borrower, 1 days) && !oracle.getAssessment(borrower).privateData, "read by wallet");
    }

    function test_answer__when_newer_ones_have_private_data__then_the_wallets_is_the_newest_without() public {
        uint256 without = _proven(pool, "high");
        _answeredVouched(pool, _lowOutputs());
        _answeredVouched(lender, _lowOutputs());
        equal(oracle.riskCategory(borrower), 2, "what the chain shows");
        equal(
            oracle.getAssessment(borrower).score,
            oracle.assessmentOf(pool.loan(without).requestId).score,
            "the newest without"
        );
    }
}
