// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IAcceptedApprovals} from "../contracts/interfaces/IAcceptedApprovals.sol";
import {IAcceptedIssuers} from "../contracts/interfaces/IAcceptedIssuers.sol";
import {IApprovalRegistry} from "../contracts/interfaces/IApprovalRegistry.sol";
import {IIssuerRegistry} from "../contracts/interfaces/IIssuerRegistry.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {AcceptedApprovals} from "../contracts/approval/AcceptedApprovals.sol";
import {ApprovalFixture} from "./support/ApprovalFixture.sol";
import {DeskFixture} from "./support/DeskFixture.sol";
import {openPolicy} from "./support/Loans.sol";

/// @title Lenders that want an approval besides: nobody gets a loan whom no accepted panel approved
contract AcceptedApprovalsTest is DeskFixture, ApprovalFixture {
    AcceptedApprovals private both;

    function setUp() public override {
        super.setUp();
        _foundApprovals(manager);
        both = Built.acceptedApprovals(address(manager), issuers, approvals);
        both.setAccepted(bank, SCHEMA, true);
        both.setPanel(panel, CARD_MODEL, true);
        ILendingDesk.Policy memory policy = openPolicy();
        policy.passportRequired = true;
        pool = Built.smartLending(address(manager), oracle, both, policy);
        lender = Built.tokenLender(address(manager), oracle, both, policy, token, feed, 8_000, type(uint32).max);
        token.approve(address(lender), type(uint256).max);
        pool.fund{value: 50 ether}(0);
        lender.fund(100_000 * DOLLARS, address(this), 0);
    }

    /// @dev A decision on the borrower that names the private data.
    function _decided(bool approved) private returns (IApprovalRegistry.Decision memory d) {
        d = _decision(approved);
        d.dataCommitment = DATA;
        _record(d);
    }

    function _refused(ILendingDesk desk, bytes memory why) private {
        ILendingDesk.Order memory order = _order(desk);
        (IAIRiskOracle.Consent memory consent, ) = _request(desk, order, DATA);
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        vm.prank(borrower);
        vm.expectRevert(why);
        desk.requestLoan{value: uint256(COLLATERAL) + FEE}(order, DATA, consent, a);
        equal(borrower.balance, 100 ether, "nothing is kept");
    }

    function _notPaid(ILendingDesk desk, uint256 loanId, bytes memory why) private {
        vm.expectRevert(why);
        desk.settle(loanId);
        _state(desk, loanId, ILendingDesk.LoanState.Requested);
    }

    function _asked(ILendingDesk desk, int256[] memory outputs) private returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _applyVouched(desk);
        _answer(desk.loan(loanId).requestId, request, outputs);
    }

    function _denied(IApprovalRegistry.Decision memory d) private view returns (bytes memory) {
        return abi.encodeWithSelector(IApprovalRegistry.Denied.selector, panel, borrower, d.request);
    }

    function test_loan__when_approved_and_vouched_for__then_it_is_paid() public {
        _decided(true);
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _asked(desk, _lowOutputs());
            (bytes32 issuer, bytes32 schema) = desk.acceptedIssuers().pairOf(desk.loan(loanId).vouched);
            check(issuer == bank && schema == SCHEMA, "vouched for by the issuer");
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Active);
        }
    }

    function test_loan__when_nobody_decided__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i)
            _refused(_desks()[i], abi.encodeWithSelector(IApprovalRegistry.NothingBound.selector, DATA));
    }

    function test_loan__when_denied__then_it_is_refused_and_no_older_approval_helps() public {
        IApprovalRegistry.Decision memory old = _decision(true);
        old.dataCommitment = DATA;
        IApprovalRegistry.Signatures memory s = _signed(old);
        vm.warp(_time() + 1);
        IApprovalRegistry.Decision memory d = _decided(false);
        for (uint256 i = 0; i < 2; ++i) {
            _refused(_desks()[i], _denied(d));
            vm.expectPartialRevert(IApprovalRegistry.NotNewer.selector);
            approvals.record(old, s);
            _refused(_desks()[i], _denied(d));
        }
        // It lasts beyond its own time: only another decision ends it.
        vm.warp(uint256(d.validUntil) + 1);
        _refused(pool, _denied(d));
        _decided(true);
        _applyVouched(pool);
    }

    /// @dev An approval is no word about data: who is approved may still have made them up.
    function test_loan__when_approved_and_nobody_vouches__then_it_is_refused() public {
        _decided(true);
        IIssuerRegistry.Attestation memory a = _attestation(employer, borrower, DATA);
        vm.expectRevert(abi.encodeWithSelector(IAcceptedIssuers.IssuerNotAccepted.selector, employer, SCHEMA));
        both.check(borrower, DATA, a);
        a = _attestation(bank, borrower, bytes32(uint256(DATA) + 1));
        vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
        both.check(borrower, DATA, a);
        issuers.revoke(bank, DATA);
        a = _attestation(bank, borrower, DATA);
        vm.expectPartialRevert(IIssuerRegistry.CommitmentIsRevoked.selector);
        both.check(borrower, DATA, a);
        vm.expectPartialRevert(IIssuerRegistry.CommitmentIsRevoked.selector);
        both.checkStanding(1, DATA);
    }

    function test_loan__when_the_approval_is_anothers__then_it_is_refused() public {
        _decided(true);
        address impostor = address(0x1390);
        IIssuerRegistry.Attestation memory his = _attestation(bank, impostor, DATA);
        vm.expectRevert(abi.encodeWithSelector(IAcceptedApprovals.ApprovalOfAnother.selector, DATA, borrower));
        both.check(impostor, DATA, his);
    }

    function test_loan__when_the_panel_or_its_model_is_not_taken__then_it_is_refused() public {
        _decided(true);
        both.setPanel(panel, CARD_MODEL, false);
        bytes4 no = IAcceptedApprovals.ApprovalNotAccepted.selector;
        _refused(lender, abi.encodeWithSelector(no, panel, CARD_MODEL));
        vm.expectEmit();
        emit IAcceptedApprovals.PanelSet(panel, CARD_MODEL, true);
        both.setPanel(panel, CARD_MODEL, true);
        check(both.takes(panel, CARD_MODEL) && !both.takes(panel + 1, CARD_MODEL), "this one alone");
        vm.warp(_time() + 1);
        IApprovalRegistry.Decision memory d = _decision(true);
        d.modelHash = keccak256("another model");
        _record(d);
        _refused(lender, abi.encodeWithSelector(no, panel, d.modelHash));
    }

    /// @dev Between asking and paying each of these can happen.
    function test_settle__when_the_approval_fell_meanwhile__then_nothing_is_paid() public {
        IApprovalRegistry.Decision memory d = _decided(true);
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _asked(desk, _lowOutputs());
            uint256 state = vm.snapshotState();
            vm.prank(vm.addr(PANEL_BANK_KEY));
            approvals.revoke(panel, d.request);
            bytes4 gone = IApprovalRegistry.RequestIsRevoked.selector;
            _notPaid(desk, loanId, abi.encodeWithSelector(gone, panel, d.request, _time()));
            vm.revertToState(state);
            state = vm.snapshotState();
            approvals.suspend(panel);
            _notPaid(desk, loanId, abi.encodeWithSelector(IApprovalRegistry.PanelInactive.selector, panel));
            vm.revertToState(state);
            state = vm.snapshotState();
            both.setPanel(panel, CARD_MODEL, false);
            bytes4 no = IAcceptedApprovals.ApprovalNotAccepted.selector;
            _notPaid(desk, loanId, abi.encodeWithSelector(no, panel, CARD_MODEL));
            vm.revertToState(state);
            state = vm.snapshotState();
            vm.warp(_time() + 1);
            _notPaidOnceDenied(desk, loanId);
            vm.revertToState(state);
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Active);
        }
    }

    /// @dev A denial speaks about the person, whichever data it names; the collateral goes back.
    function _notPaidOnceDenied(ILendingDesk desk, uint256 loanId) private {
        IApprovalRegistry.Decision memory denial = _decide(false);
        _notPaid(desk, loanId, _denied(denial));
        vm.prank(borrower);
        desk.withdrawApplication(loanId);
        equal(_book(desk).claimable(borrower), COLLATERAL, "back");
    }

    /// @dev A reviewer has no limit of time for an answer; an approval that ended is none, and can be given anew.
    function test_review__when_the_approval_ended__then_no_reviewer_lends_until_there_is_another() public {
        IApprovalRegistry.Decision memory d = _decided(true);
        uint256 loanId = _asked(lender, _mediumOutputs());
        lender.settle(loanId);
        vm.warp(uint256(d.validUntil) + 1);
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.DecisionExpired.selector, d.validUntil));
        lender.approveReviewed(loanId);
        _decide(true);
        lender.approveReviewed(loanId);
        _state(lender, loanId, ILendingDesk.LoanState.Active);
    }

    function test_loan__when_asked_without_private_data__then_such_a_lender_refuses() public {
        _decided(true);
        bytes32 neutral = oracle.neutralCommitment();
        ILendingDesk.Order memory order = _order(lender);
        (IAIRiskOracle.Consent memory consent, ) = _request(lender, order, neutral);
        vm.prank(borrower);
        vm.expectRevert(ILendingDesk.PassportRequired.selector);
        lender.requestLoan{value: uint256(COLLATERAL) + FEE}(order, neutral, consent);
    }

    function test_made__when_there_is_no_registry__then_it_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IAcceptedApprovals.NoApprovals.selector, address(0xBAD)));
        Built.acceptedApprovals(address(manager), issuers, IApprovalRegistry(address(0xBAD)));
        vm.expectRevert(abi.encodeWithSelector(IAcceptedIssuers.NoRegistry.selector, address(0xBAD)));
        Built.acceptedApprovals(address(manager), IIssuerRegistry(address(0xBAD)), approvals);
        equal(address(both.approvals()), address(approvals), "its registry");
        equal(address(both.registry()), address(issuers), "its issuers'");
        vm.prank(address(0x57A));
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        both.setPanel(panel, CARD_MODEL, true);
    }
}
