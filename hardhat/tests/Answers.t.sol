// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {AIRiskOracle} from "../contracts/AIRiskOracle.sol";
import {SignerSet} from "../contracts/access/SignerSet.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {Field} from "../contracts/lib/Field.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

contract AnswersTest is OracleFixture {
    function test_answer__when_all_holds__then_every_number_is_the_proofs() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        vm.warp(block.timestamp + 30);
        _answer(id, request, _lowOutputs());

        IAIRiskOracle.Assessment memory a = oracle.assessmentOf(id);
        equal(a.category, 0, "category");
        equal(a.score, 8_007, "820 / 1024");
        equal(a.probabilityOfDefault, 302, "31 / 1024");
        equal(a.fraudLikelihood, 507, "52 / 1024");
        equal(a.interestRate, 625, "512 / 8192");
        equal(a.durationDays, 182, "256 / 512 of 365 days");
        equal(a.maximumLtv, 7_500, "768 / 1024");
        equal(a.confidence, 8_984, "230 / 256");
        equal(a.issuedAt, block.timestamp, "issued");
        equal(a.expiresAt, block.timestamp + ASSESSMENT_LIFETIME, "expires");
        equal(a.blockNumber, block.number, "block");
        equal(a.modelIndex, 1, "model");
        equal(keccak256(abi.encode(oracle.getAssessment(borrower))), keccak256(abi.encode(a)), "latest of the user");
        check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Answered, "answered");
        equal(oracle.earnedFees(), FEE, "the fee is earned");
    }

    function test_answer__when_it_was_given__then_compact_getters_agree_until_it_expires() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _answer(id, request, _highOutputs());
        equal(oracle.riskCategory(borrower), 2, "category");
        equal(oracle.riskScore(borrower), 8_007, "score");
        equal(oracle.defaultProb(borrower), 302, "default");
        equal(oracle.fraudLikelihood(borrower), 507, "fraud");
        equal(oracle.confidence(borrower), 8_984, "confidence");
        (uint16 rate, uint16 duration, uint16 ltv) = oracle.recommendedTerms(borrower);
        equal(rate, 625, "rate");
        equal(duration, 182, "duration");
        equal(ltv, 7_500, "ltv");

        vm.warp(block.timestamp + ASSESSMENT_LIFETIME - 1);
        equal(oracle.riskCategory(borrower), 2, "still fresh in its last second");
        vm.warp(block.timestamp + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAIRiskOracle.AssessmentExpired.selector, borrower, uint40(block.timestamp))
        );
        oracle.riskCategory(borrower);
        equal(oracle.getAssessment(borrower).category, 2, "the full record stays readable");
    }

    function test_is_fresh__when_age_or_expiry_pass__then_it_is_false() public {
        check(!oracle.isFresh(borrower, type(uint256).max), "nothing yet");
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _answer(id, request, _lowOutputs());
        check(oracle.isFresh(borrower, 0), "now");
        vm.warp(block.timestamp + 100);
        check(oracle.isFresh(borrower, 100), "exactly the age");
        check(!oracle.isFresh(borrower, 99), "older than asked");
        vm.warp(block.timestamp + ASSESSMENT_LIFETIME - 101);
        check(oracle.isFresh(borrower, type(uint256).max), "last second");
        vm.warp(block.timestamp + 1);
        check(!oracle.isFresh(borrower, type(uint256).max), "expired");
    }

    function test_answer__when_an_older_request_is_answered_later__then_the_newer_answer_stays() public {
        (uint256 older, IAIRiskOracle.Request memory first) = _ask();
        (uint256 newer, IAIRiskOracle.Request memory second) = _ask();
        _answer(newer, second, _highOutputs());
        _answer(older, first, _lowOutputs());
        equal(oracle.getAssessment(borrower).category, 2, "the newer request's answer");
        equal(oracle.assessmentOf(older).category, 0, "each request keeps its own");
    }

    function test_answer__when_given_twice__then_the_second_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _answer(id, request, _lowOutputs());
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(
            abi.encodeWithSelector(IAIRiskOracle.RequestNotPending.selector, id, IAIRiskOracle.RequestState.Answered)
        );
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_answer__when_the_request_is_unknown__then_it_is_refused() public {
        (, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(2, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(
            abi.encodeWithSelector(IAIRiskOracle.RequestNotPending.selector, 2, IAIRiskOracle.RequestState.None)
        );
        oracle.provideAssessment(request, report, signatures, proof);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NotAnswered.selector, 2, IAIRiskOracle.RequestState.None));
        oracle.assessmentOf(2);
    }

    /// @dev Every field of the request, changed alone, must be noticed.
    function test_answer__when_any_field_of_the_request_differs__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _askFor();
        bytes32 original = keccak256(abi.encode(request));
        for (uint256 field = 0; field < 12; ++field) {
            IAIRiskOracle.Request memory changed = abi.decode(abi.encode(request), (IAIRiskOracle.Request));
            if (field == 0) changed.user = address(this);
            if (field == 1) changed.requester = borrower;
            if (field == 2) changed.terms.principalToken = address(1);
            if (field == 3) changed.terms.principal += 1;
            if (field == 4) changed.terms.collateralToken = address(1);
            if (field == 5) changed.terms.collateral -= 1;
            if (field == 6) changed.terms.duration += 1;
            if (field == 7) changed.dataCommitment = bytes32(uint256(changed.dataCommitment) + 1);
            if (field == 8) changed.fee += 1;
            if (field == 9) changed.requestedAt += 1;
            if (field == 10) changed.deadline += 1;
            if (field == 11) changed.blockNumber += 1;
            check(keccak256(abi.encode(changed)) != original, "something changed");
            IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
            bytes memory proof = _proof(changed, report);
            bytes[] memory signatures = _signatures(oracle.reportDigest(changed, report));
            vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.RequestMismatch.selector, id));
            oracle.provideAssessment(changed, report, signatures, proof);
        }
    }

    /// @dev Every field of the report, changed alone after the signature, must be noticed.
    function test_answer__when_an_address_carries_stray_bits__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        bytes memory message = abi.encodeCall(oracle.provideAssessment, (request, report, signatures, proof));
        // The first bytes after the selector are padding of the user's address.
        message[4] = 0x01;
        (bool ok, bytes memory why) = address(oracle).call(message);
        check(!ok, "refused");
        equal(bytes32(bytes4(why)), bytes32(IAIRiskOracle.RequestMismatch.selector), "another request");
        message[4] = 0;
        (ok, ) = address(oracle).call(message);
        check(ok, "the same without them is accepted");
    }

    function test_answer__when_any_field_of_the_report_differs__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        for (uint256 field = 0; field < 15; ++field) {
            // The block is the request's: see below.
            if (field == 2) continue;
            IAIRiskOracle.Report memory changed = abi.decode(abi.encode(report), (IAIRiskOracle.Report));
            if (field == 0) changed.requestId += 1;
            if (field == 1) changed.modelId = bytes32(uint256(1));
            if (field == 3) changed.blockHash = bytes32(uint256(1));
            if (field == 4) changed.featureCommitment -= 1;
            if (field >= 5) changed.outputs[field - 5] += 1;
            bytes memory proof = _proof(request, changed);
            vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
            oracle.provideAssessment(request, changed, signatures, proof);
        }
    }

    /// @dev Signers that sign what the proof does not show are powerless.
    function test_answer__when_an_instance_is_tampered_with_but_signed__then_the_proof_refuses(uint8 which) public {
        uint256 index = which % 11;
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        if (index == 10) report.featureCommitment -= 1;
        else report.outputs[index] += 1;
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidProof.selector, MODEL));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_answer__when_the_feature_commitment_exceeds_the_field__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        report.featureCommitment += Field.MODULUS;
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NotAFieldElement.selector, report.featureCommitment));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_answer__when_an_output_stands_for_another_element__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        // The same instance, written as value - r: it would decode to a clamped zero.
        report.outputs[3] -= int256(Field.MODULUS);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.OutputOutOfRange.selector, 3, report.outputs[3]));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_answer__when_the_number_of_outputs_differs__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        for (uint256 count = 9; count < 12; count += 2) {
            IAIRiskOracle.Report memory report = _report(id, new int256[](count));
            bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
            vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.WrongOutputCount.selector, count, 10));
            oracle.provideAssessment(request, report, signatures, "");
        }
    }

    function test_answer__when_the_deadline_passed__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.warp(uint256(request.deadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.RequestExpired.selector, id, request.deadline));
        oracle.provideAssessment(request, report, signatures, proof);
        vm.warp(request.deadline);
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_answer__when_the_model_is_not_active__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        report.modelId = keccak256("never proposed");
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(
            abi.encodeWithSelector(
                IModelRegistry.ModelNotActive.selector,
                report.modelId,
                IModelRegistry.ModelState.None
            )
        );
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_decline__when_signed__then_the_fee_goes_back_to_the_requester() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _askFor();
        vm.expectEmit();
        emit IAIRiskOracle.AssessmentDeclined(id, borrower, 1);
        _decline(id, request, 1);
        check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Declined, "declined");
        equal(oracle.refundOf(address(this)), FEE, "the requester's refund");
        uint256 before = address(this).balance;
        oracle.withdrawRefund(address(this));
        equal(address(this).balance, before + FEE, "paid");
        vm.expectRevert(IAIRiskOracle.NothingToWithdraw.selector);
        oracle.withdrawRefund(address(this));
    }

    function test_refund__when_the_requester_cannot_take_ether__then_it_names_who_can() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _decline(id, request, 1);
        vm.etch(borrower, hex"5f5ffd");
        vm.startPrank(borrower);
        vm.expectRevert();
        oracle.withdrawRefund(borrower);
        vm.expectRevert(IAIRiskOracle.ZeroReceiver.selector);
        oracle.withdrawRefund(address(0));
        vm.expectEmit();
        emit IAIRiskOracle.RefundWithdrawn(borrower, payee, FEE);
        oracle.withdrawRefund(payee);
        vm.stopPrank();
        equal(payee.balance, FEE, "to whom it names");
    }

    function test_decline__when_the_reason_is_unknown__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        for (uint256 reason = 0; reason < 7; reason += 6) {
            bytes[] memory signatures = _signatures(oracle.declineDigest(request, id, uint8(reason)));
            vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.UnknownDeclineReason.selector, reason));
            oracle.declineAssessment(request, id, uint8(reason), signatures);
        }
        _decline(id, request, 5);
    }

    function test_decline__when_signed_for_another_reason_or_request__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        bytes[] memory signatures = _signatures(oracle.declineDigest(request, id, 1));
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.declineAssessment(request, id, 2, signatures);
        signatures = _signatures(oracle.declineDigest(request, id + 1, 1));
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.declineAssessment(request, id, 1, signatures);
    }

    function test_decline__when_a_reorganisation_gives_the_id_to_another__then_the_signature_is_void() public {
        uint256 snapshot = vm.snapshotState();
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        bytes[] memory signatures = _signatures(oracle.declineDigest(request, id, 1));
        vm.revertToState(snapshot);
        (uint256 again, IAIRiskOracle.Request memory other) = _askFor();
        equal(again, id, "the same id");
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.declineAssessment(other, id, 1, signatures);
    }

    function test_decline__when_the_request_is_not_pending_or_differs__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        request.fee += 1 ether;
        bytes[] memory signatures = _signatures(oracle.declineDigest(request, id, 1));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.RequestMismatch.selector, id));
        oracle.declineAssessment(request, id, 1, signatures);
        request.fee -= 1 ether;
        _decline(id, request, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAIRiskOracle.RequestNotPending.selector, id, IAIRiskOracle.RequestState.Declined)
        );
        oracle.declineAssessment(request, id, 1, signatures);
    }

    function test_cancel__when_the_deadline_passed__then_anyone_can_and_the_requester_is_refunded() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        vm.warp(request.deadline);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.RequestNotExpired.selector, id, request.deadline));
        oracle.cancelRequest(request, id);
        vm.warp(uint256(request.deadline) + 1);
        vm.expectEmit();
        emit IAIRiskOracle.RequestCancelled(id);
        vm.prank(address(0xD00D));
        oracle.cancelRequest(request, id);
        check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Cancelled, "cancelled");
        equal(oracle.refundOf(borrower), FEE, "refund");
        vm.expectRevert(
            abi.encodeWithSelector(IAIRiskOracle.RequestNotPending.selector, id, IAIRiskOracle.RequestState.Cancelled)
        );
        oracle.cancelRequest(request, id);
    }

    function test_fees__when_earned__then_only_they_go_to_the_payee() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _ask();
        vm.expectRevert(IAIRiskOracle.NothingToWithdraw.selector);
        oracle.withdrawFees();
        _answer(id, request, _lowOutputs());
        oracle.withdrawFees();
        equal(payee.balance, FEE, "one fee earned");
        equal(address(oracle).balance, FEE, "the pending one stays");
    }

    function test_settings__when_changed__then_they_hold_for_new_requests_only() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        oracle.setFees(2 * FEE, FEE);
        oracle.setLifetimes(1 hours, 2 days);
        oracle.setPayee(address(0xABBA));
        (uint32 requests, uint32 answers) = oracle.lifetimes();
        equal(requests, 1 hours, "request lifetime");
        equal(answers, 2 days, "answer lifetime");
        equal(oracle.fee(), 2 * FEE, "fee");
        _answer(id, request, _lowOutputs());
        equal(oracle.earnedFees(), FEE, "the old request's fee");
        oracle.withdrawFees();
        equal(address(0xABBA).balance, FEE, "new payee");
        equal(oracle.assessmentOf(id).expiresAt, block.timestamp + 2 days, "new answers live longer");
    }

    function test_settings__when_senseless__then_they_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidSetting.selector, "payee", 0));
        oracle.setPayee(address(0));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidSetting.selector, "requestLifetime", 0));
        oracle.setLifetimes(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidSetting.selector, "assessmentLifetime", 0));
        oracle.setLifetimes(1, 0);
        vm.expectRevert();
        oracle.setLifetimes(2 ** 24, 1);
        vm.expectRevert();
        oracle.setFees(2 ** 72, 0);
        vm.expectRevert();
        oracle.setFees(0, 2 ** 72);
        address[] memory addresses = _addresses(signerKeys);
        vm.expectRevert(
            abi.encodeWithSelector(IAIRiskOracle.InvalidSetting.selector, "registry", uint160(address(0xBAD)))
        );
        Built.oracle(
            abi.encode(address(manager), IModelRegistry(address(0xBAD)), addresses, 1, FEE, 1, 1, payee, false)
        );
    }

    function test_settings__when_the_caller_has_no_role__then_each_is_refused() public {
        address[] memory addresses = _addresses(signerKeys);
        vm.startPrank(borrower);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        oracle.setFees(1, 1);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        oracle.setLifetimes(1, 1);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        oracle.setPayee(borrower);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        oracle.setSigners(addresses, 1);
        vm.stopPrank();
    }
}
