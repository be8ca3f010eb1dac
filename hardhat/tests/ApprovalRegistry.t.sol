// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IApprovalRegistry} from "../contracts/interfaces/IApprovalRegistry.sol";
import {ApprovalFixture, ContractAccount} from "./support/ApprovalFixture.sol";

/// @title What three parties decided, and what nobody can make of it
contract ApprovalRegistryTest is ApprovalFixture {
    address private constant STRANGER = address(0x57A);
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    AccessManager private manager;

    function setUp() public {
        vm.warp(1_800_000_000);
        manager = new AccessManager(address(this));
        _foundApprovals(manager);
    }

    function _time() private view returns (uint64) {
        return uint64(vm.getBlockTimestamp());
    }

    function _refused(
        IApprovalRegistry.Decision memory d,
        IApprovalRegistry.Signatures memory s,
        bytes memory why
    ) private {
        vm.expectRevert(why);
        approvals.record(d, s);
    }

    function _refused(IApprovalRegistry.Decision memory d, bytes memory why) private {
        _refused(d, _signed(d), why);
    }

    function _unsigned(
        IApprovalRegistry.Decision memory d,
        IApprovalRegistry.Signatures memory s,
        IApprovalRegistry.Party party
    ) private {
        address[3] memory accounts = [d.applicant, vm.addr(PANEL_BANK_KEY), vm.addr(AGENCY_KEY)];
        bytes32 digest = approvals.decisionDigest(d);
        bytes4 no = IApprovalRegistry.NotSignedBy.selector;
        _refused(d, s, abi.encodeWithSelector(no, party, accounts[uint256(party)], digest));
    }

    function _notStanding(bytes memory why) private {
        vm.expectRevert(why);
        approvals.check(panel, applicant);
    }

    // ------------------------------------------------------------ decisions

    function test_record__when_all_three_signed__then_it_stands_and_is_on_record() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        IApprovalRegistry.Signatures memory s = _signed(d);
        vm.expectEmit();
        emit IApprovalRegistry.DecisionRecorded(panel, applicant, d.request, d);
        vm.prank(STRANGER);
        approvals.record(d, s);
        equal(approvals.check(panel, applicant), CARD_MODEL, "approved by this model");
        equal(approvals.newestOf(panel, applicant), d.request, "the newest");
        IApprovalRegistry.Recorded memory r = approvals.decisionOf(panel, d.request);
        equal(r.applicant, applicant, "applicant");
        equal(r.decidedAt, d.decidedAt, "when");
        equal(r.validUntil, d.validUntil, "until");
        check(r.approved && r.yearsBin == 0, "approved");
        equal(r.modelHash, CARD_MODEL, "model");
        equal(r.dataCommitment, bytes32(0), "no private data");
        equal(r.digest, approvals.decisionDigest(d), "what was signed");
    }

    function test_record__when_it_is_a_denial__then_it_is_kept_with_its_years() public {
        IApprovalRegistry.Decision memory d = _decide(false);
        IApprovalRegistry.Recorded memory r = approvals.decisionOf(panel, d.request);
        check(!r.approved && r.yearsBin == 4, "denied");
        bytes memory denied = abi.encodeWithSelector(IApprovalRegistry.Denied.selector, panel, applicant, d.request);
        _notStanding(denied);
        vm.warp(uint256(d.validUntil) + 1);
        _notStanding(denied);
    }

    /// @dev Who was denied would sign no denial: it agreed to either when it applied.
    function test_record__when_the_applicant_signed_its_application__then_a_denial_is_kept_and_no_approval() public {
        IApprovalRegistry.Decision memory d = _decision(false);
        IApprovalRegistry.Signatures memory s = _signed(d);
        s.applicant = _application(d);
        uint256 state = vm.snapshotState();
        approvals.record(d, s);
        check(approvals.decisionOf(panel, d.request).decidedAt != 0, "kept");
        vm.revertToState(state);
        d.approved = true;
        d.yearsBin = 0;
        s = _signed(d);
        s.applicant = _application(d);
        _unsigned(d, s, IApprovalRegistry.Party.Applicant);
    }

    function test_record__when_the_application_is_another__then_the_denial_is_refused() public {
        IApprovalRegistry.Decision memory agreed = _decision(false);
        bytes memory application = _application(agreed);
        for (uint256 i = 0; i < 4; ++i) {
            IApprovalRegistry.Decision memory d = abi.decode(abi.encode(agreed), (IApprovalRegistry.Decision));
            if (i == 0) d.request = keccak256("another request");
            if (i == 1) d.modelHash = keccak256("another model");
            if (i == 2) d.dataCommitment = bytes32(uint256(1));
            if (i == 3) d.panel = approvals.addPanel(vm.addr(AGENCY_KEY), vm.addr(PANEL_BANK_KEY), "Turned round");
            IApprovalRegistry.Signatures memory s = _signed(d);
            if (i == 3) (s.bank, s.agency) = (s.agency, s.bank);
            s.applicant = application;
            vm.expectPartialRevert(IApprovalRegistry.NotSignedBy.selector);
            approvals.record(d, s);
        }
    }

    function test_record__when_one_of_the_three_did_not_sign__then_it_is_named() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        IApprovalRegistry.Signatures memory s = _signed(d);
        (bytes memory hers, bytes memory theirs) = (s.applicant, s.bank);
        s.applicant = theirs;
        _unsigned(d, s, IApprovalRegistry.Party.Applicant);
        s.applicant = "";
        _unsigned(d, s, IApprovalRegistry.Party.Applicant);
        (s.applicant, s.bank) = (hers, s.agency);
        _unsigned(d, s, IApprovalRegistry.Party.Bank);
        (s.bank, s.agency) = (theirs, theirs);
        _unsigned(d, s, IApprovalRegistry.Party.Agency);
        s.agency = abi.encodePacked(_key(AGENCY_KEY, approvals.decisionDigest(d)), uint8(0));
        _unsigned(d, s, IApprovalRegistry.Party.Agency);
    }

    /// @dev The other s of the same signature is no other signature.
    function test_record__when_a_signature_is_malleable__then_it_is_none() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        IApprovalRegistry.Signatures memory s = _signed(d);
        (uint8 v, bytes32 r, bytes32 low) = vm.sign(PANEL_BANK_KEY, approvals.decisionDigest(d));
        check(uint256(low) <= HALF_ORDER, "low");
        s.bank = abi.encodePacked(r, bytes32(ORDER - uint256(low)), v == 27 ? uint8(28) : uint8(27));
        _unsigned(d, s, IApprovalRegistry.Party.Bank);
    }

    /// @dev Each field is signed: none can be changed on the way. The panel is whose signatures are looked for.
    function testFuzz_record__when_a_field_was_changed__then_no_signature_fits(uint256 which, uint256 value) public {
        IApprovalRegistry.Decision memory d = _decision(false);
        d.yearsBin = 0;
        IApprovalRegistry.Signatures memory s = _signed(d);
        which = bound(which, 1, 13);
        // Only what would be recorded, were it signed.
        if (which == 1) value = bound(value, 1, type(uint160).max);
        if (which == 10) value = 1;
        if (which == 11) value = bound(value, 1, type(uint8).max);
        if (which == 12) value = bound(value, d.validUntil - approvals.MAXIMUM_LIFETIME(), _time());
        if (which == 13) value = bound(value, _time(), uint256(d.decidedAt) + approvals.MAXIMUM_LIFETIME());
        bytes memory raw = abi.encode(d);
        uint256 was;
        assembly ("memory-safe") {
            let place := add(add(raw, 0x20), mul(which, 0x20))
            was := mload(place)
            mstore(place, value)
        }
        vm.assume(was != value && value != 0);
        IApprovalRegistry.Decision memory changed = abi.decode(raw, (IApprovalRegistry.Decision));
        vm.expectPartialRevert(IApprovalRegistry.NotSignedBy.selector);
        approvals.record(changed, s);
    }

    function test_record__when_signed_for_another_registry_or_chain__then_it_is_none() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        IApprovalRegistry.Signatures memory here = _signed(d);
        bytes32 digest = approvals.decisionDigest(d);
        vm.chainId(5);
        check(approvals.decisionDigest(d) != digest, "another chain");
        _unsigned(d, here, IApprovalRegistry.Party.Bank);
        vm.chainId(31337);
        _foundApprovals(manager);
        check(approvals.decisionDigest(d) != digest, "another registry");
        _unsigned(d, here, IApprovalRegistry.Party.Bank);
    }

    function test_digest__when_computed_by_hand__then_it_is_the_standards() public {
        IApprovalRegistry.Decision memory d = _decision(false);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("AI Risk Oracle Approvals"),
                keccak256("1"),
                block.chainid,
                address(approvals)
            )
        );
        bytes memory type_ =
            "Decision(uint32 panel,address applicant,bytes32 request,bytes32 modelHash,"
            "bytes32 applicantInput,bytes32 bankInput,bytes32 agencyInput,bytes32 evaluationKey,bytes32 output,"
            "bytes32 dataCommitment,bool approved,uint8 yearsBin,uint64 decidedAt,uint64 validUntil)";
        bytes32 decision = keccak256(abi.encodePacked(keccak256(type_), abi.encode(d)));
        equal(approvals.decisionDigest(d), keccak256(abi.encodePacked(hex"1901", domain, decision)), "decision");
        type_ = "Application(uint32 panel,address applicant,bytes32 request,bytes32 modelHash,bytes32 dataCommitment)";
        bytes32 hashed = keccak256(
            abi.encode(keccak256(type_), d.panel, d.applicant, d.request, d.modelHash, d.dataCommitment)
        );
        equal(
            approvals.applicationDigest(d.panel, d.applicant, d.request, d.modelHash, d.dataCommitment),
            keccak256(abi.encodePacked(hex"1901", domain, hashed)),
            "application"
        );
        hashed = keccak256(abi.encode(keccak256("Revocation(uint32 panel,bytes32 request)"), panel, d.request));
        equal(
            approvals.revocationDigest(panel, d.request),
            keccak256(abi.encodePacked(hex"1901", domain, hashed)),
            "revocation"
        );
    }

    // ------------------------------------------------------ contracts sign

    function test_record__when_the_parties_are_contracts__then_each_signs_by_its_own_rule() public {
        ContractAccount[3] memory accounts = [new ContractAccount(), new ContractAccount(), new ContractAccount()];
        IApprovalRegistry.Decision memory d = _decision(true);
        d.panel = approvals.addPanel(address(accounts[1]), address(accounts[2]), "Contracts");
        d.applicant = address(accounts[0]);
        IApprovalRegistry.Signatures memory s = IApprovalRegistry.Signatures("yes", "yes", "yes");
        bytes32 digest = approvals.decisionDigest(d);
        bytes4 no = IApprovalRegistry.NotSignedBy.selector;
        uint8[3] memory order = [1, 2, 0];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 next = order[i];
            _refused(d, s, abi.encodeWithSelector(no, next, address(accounts[next]), digest));
            accounts[next].want(digest);
        }
        approvals.record(d, s);
        equal(approvals.check(d.panel, d.applicant), CARD_MODEL, "recorded");
    }

    function test_record__when_the_applicant_is_nobody__then_nobody_signed() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        d.applicant = address(0);
        _unsigned(d, _signed(d), IApprovalRegistry.Party.Applicant);
        IApprovalRegistry.Signatures memory s = _signed(d);
        s.applicant = new bytes(65);
        _unsigned(d, s, IApprovalRegistry.Party.Applicant);
    }

    function test_record__when_one_party_is_two__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            IApprovalRegistry.Decision memory d = _decision(true);
            d.applicant = vm.addr(i == 0 ? PANEL_BANK_KEY : AGENCY_KEY);
            _refused(d, abi.encodeWithSelector(IApprovalRegistry.PartyTwice.selector, d.applicant));
        }
    }

    // ------------------------------------------------------ replays, order

    function test_record__when_sent_again__then_it_is_refused() public {
        IApprovalRegistry.Decision memory d = _decide(true);
        bytes memory decided = abi.encodeWithSelector(IApprovalRegistry.RequestDecided.selector, panel, d.request);
        _refused(d, decided);
        vm.warp(_time() + 1);
        d.decidedAt = _time();
        d.approved = false;
        _refused(d, decided);
    }

    function test_record__when_older_than_the_newest__then_it_does_not_replace_it() public {
        IApprovalRegistry.Decision memory approval = _decision(true);
        IApprovalRegistry.Decision memory rival = _decision(true);
        vm.warp(_time() + 1);
        IApprovalRegistry.Decision memory denial = _decide(false);
        bytes4 no = IApprovalRegistry.NotNewer.selector;
        _refused(approval, abi.encodeWithSelector(no, approval.decidedAt, denial.decidedAt));
        rival.decidedAt = denial.decidedAt;
        _refused(rival, abi.encodeWithSelector(no, rival.decidedAt, denial.decidedAt));
        vm.warp(_time() + 1);
        _decide(true);
        equal(approvals.check(panel, applicant), CARD_MODEL, "a newer one does");
    }

    function test_record__when_of_another_panel_or_applicant__then_each_has_its_own_newest() public {
        IApprovalRegistry.Decision memory denial = _decide(false);
        uint32 first = panel;
        panel = approvals.addPanel(vm.addr(AGENCY_KEY), vm.addr(PANEL_BANK_KEY), "Turned round");
        IApprovalRegistry.Decision memory d = _decision(true);
        d.request = denial.request;
        IApprovalRegistry.Signatures memory s = _signed(d);
        (s.bank, s.agency) = (s.agency, s.bank);
        approvals.record(d, s);
        equal(approvals.check(panel, applicant), CARD_MODEL, "approved there");
        panel = first;
        _notStanding(abi.encodeWithSelector(IApprovalRegistry.Denied.selector, panel, applicant, denial.request));
    }

    function test_record__when_its_times_are_none__then_it_is_refused() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        uint64 now_ = _time();
        d.decidedAt = now_ + 1;
        _refused(d, abi.encodeWithSelector(IApprovalRegistry.DecidedLater.selector, now_ + 1, now_));
        d.decidedAt = 0;
        d.validUntil = now_;
        bytes4 no = IApprovalRegistry.LifetimeOutOfRange.selector;
        uint64 longest = approvals.MAXIMUM_LIFETIME();
        _refused(d, abi.encodeWithSelector(no, 0, now_, longest));
        d.decidedAt = now_;
        d.validUntil = now_ + longest + 1;
        _refused(d, abi.encodeWithSelector(no, now_, d.validUntil, longest));
        d.validUntil = type(uint64).max;
        _refused(d, abi.encodeWithSelector(no, now_, d.validUntil, longest));
        d.validUntil = now_ - 1;
        _refused(d, abi.encodeWithSelector(IApprovalRegistry.DecisionExpired.selector, now_ - 1));
        d.validUntil = now_;
        _record(d);
        equal(approvals.check(panel, applicant), CARD_MODEL, "for this second");
        vm.warp(now_ + 1);
        _notStanding(abi.encodeWithSelector(IApprovalRegistry.DecisionExpired.selector, now_));
    }

    function test_record__when_it_says_what_cannot_be__then_it_is_refused() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        d.yearsBin = 1;
        _refused(d, abi.encodeWithSelector(IApprovalRegistry.YearsOfAnApproval.selector, 1));
        d.yearsBin = 0;
        d.request = bytes32(0);
        _refused(d, abi.encodeWithSelector(IApprovalRegistry.NoRequest.selector));
        d.panel = 7;
        _refused(d, abi.encodeWithSelector(IApprovalRegistry.PanelUnknown.selector, 7));
    }

    // --------------------------------------------------------- private data

    function test_bound__when_a_decision_names_data__then_they_are_this_applicants_for_good() public {
        bytes32 data = bytes32(uint256(0xda7a));
        IApprovalRegistry.Decision memory d = _decision(true);
        d.dataCommitment = data;
        _record(d);
        (address who, uint32 by, bytes32 model) = approvals.checkBound(data);
        check(who == applicant && by == panel && model == CARD_MODEL, "whose, by whom, by what");
        equal(approvals.decisionOf(panel, d.request).dataCommitment, data, "and for which");
        ContractAccount other = new ContractAccount();
        IApprovalRegistry.Decision memory theirs = _decision(true);
        (theirs.applicant, theirs.dataCommitment) = (address(other), data);
        IApprovalRegistry.Signatures memory s = _signed(theirs);
        s.applicant = "yes";
        other.want(approvals.decisionDigest(theirs));
        _refused(theirs, s, abi.encodeWithSelector(IApprovalRegistry.CommitmentOfAnother.selector, data, applicant));
        // What is decided later without them speaks about them, too.
        vm.warp(_time() + 1);
        d = _decide(false);
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.Denied.selector, panel, applicant, d.request));
        approvals.checkBound(data);
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.NothingBound.selector, bytes32(0)));
        approvals.checkBound(bytes32(0));
    }

    // ----------------------------------------------------------- revocation

    function test_revoke__when_the_bank_the_agency_or_governance_does__then_it_is_gone_for_good() public {
        address[3] memory may = [vm.addr(PANEL_BANK_KEY), vm.addr(AGENCY_KEY), address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            IApprovalRegistry.Decision memory old = _decide(true);
            vm.warp(_time() + 1);
            IApprovalRegistry.Decision memory d = _decide(true);
            vm.expectEmit();
            emit IApprovalRegistry.RequestRevoked(panel, d.request);
            vm.prank(may[i]);
            approvals.revoke(panel, d.request);
            uint64 at = _time();
            bytes4 gone = IApprovalRegistry.RequestIsRevoked.selector;
            _notStanding(abi.encodeWithSelector(gone, panel, d.request, at));
            vm.warp(at + 1);
            approvals.revoke(panel, d.request);
            equal(approvals.revokedAt(panel, d.request), at, "since the first time");
            equal(approvals.revokedAt(panel, old.request), 0, "this one alone");
        }
    }

    function test_revoke__when_signed__then_anybody_may_send_it() public {
        uint256[2] memory keys = [PANEL_BANK_KEY, AGENCY_KEY];
        for (uint256 i = 0; i < 2; ++i) {
            IApprovalRegistry.Decision memory d = _decide(true);
            bytes memory signature = _key(keys[i], approvals.revocationDigest(panel, d.request));
            vm.prank(STRANGER);
            approvals.revokeBySignature(panel, d.request, signature);
            _notStanding(
                abi.encodeWithSelector(IApprovalRegistry.RequestIsRevoked.selector, panel, d.request, _time())
            );
            vm.expectPartialRevert(IApprovalRegistry.NotOfThePanel.selector);
            approvals.revokeBySignature(panel, keccak256("another"), signature);
            vm.warp(_time() + 1);
        }
    }

    /// @dev The applicant least of all: it would take back its denials.
    function test_revoke__when_anybody_else_does__then_it_is_refused() public {
        IApprovalRegistry.Decision memory d = _decide(false);
        address[2] memory others = [STRANGER, applicant];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
            approvals.revoke(panel, d.request);
        }
        bytes32 digest = approvals.revocationDigest(panel, d.request);
        bytes memory hers = _key(APPLICANT_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.NotOfThePanel.selector, panel, digest));
        approvals.revokeBySignature(panel, d.request, hers);
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.PanelUnknown.selector, 9));
        approvals.revoke(9, d.request);
    }

    function test_revoke__when_a_denial_is__then_no_approval_comes_of_it() public {
        _decide(true);
        vm.warp(_time() + 1);
        IApprovalRegistry.Decision memory denial = _decide(false);
        vm.prank(vm.addr(PANEL_BANK_KEY));
        approvals.revoke(panel, denial.request);
        _notStanding(abi.encodeWithSelector(IApprovalRegistry.Denied.selector, panel, applicant, denial.request));
    }

    function test_revoke__when_nothing_is_recorded_yet__then_nothing_ever_is() public {
        IApprovalRegistry.Decision memory d = _decision(true);
        vm.prank(vm.addr(AGENCY_KEY));
        approvals.revoke(panel, d.request);
        _refused(d, abi.encodeWithSelector(IApprovalRegistry.RequestIsRevoked.selector, panel, d.request, _time()));
    }

    // --------------------------------------------------------------- panels

    function test_panel__when_added__then_it_has_the_next_number() public {
        vm.expectEmit();
        emit IApprovalRegistry.PanelAdded(2, STRANGER, address(this), "Two more");
        equal(approvals.addPanel(STRANGER, address(this), "Two more"), 2, "its number");
        equal(approvals.panelCount(), 2, "two");
        IApprovalRegistry.Panel memory p = approvals.panelOf(2);
        check(p.bank == STRANGER && p.agency == address(this) && p.active, "as it was added");
        equal(keccak256(bytes(p.name)), keccak256("Two more"), "name");
        equal(approvals.panelOf(3).bank, address(0), "none");
    }

    function test_panel__when_it_is_none__then_it_is_refused() public {
        address bank = vm.addr(PANEL_BANK_KEY);
        address agency = vm.addr(AGENCY_KEY);
        address[2][4] memory pairs = [[bank, bank], [address(0), agency], [bank, address(0)], [bank, agency]];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.InvalidPanel.selector, pairs[i][0], pairs[i][1]));
            approvals.addPanel(pairs[i][0], pairs[i][1], "Nobody");
        }
        vm.expectRevert(IApprovalRegistry.NamelessPanel.selector);
        approvals.addPanel(STRANGER, agency, "");
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.PanelUnknown.selector, 0));
        approvals.check(0, applicant);
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.PanelUnknown.selector, 2));
        approvals.setActive(2, true);
        vm.expectRevert(abi.encodeWithSelector(IApprovalRegistry.NoDecision.selector, panel, applicant));
        approvals.check(panel, applicant);
    }

    function test_panel__when_stopped__then_nothing_of_it_counts_until_it_is_started() public {
        IApprovalRegistry.Decision memory d = _decide(true);
        vm.expectEmit();
        emit IApprovalRegistry.PanelActiveSet(panel, false);
        approvals.suspend(panel);
        bytes memory stopped = abi.encodeWithSelector(IApprovalRegistry.PanelInactive.selector, panel);
        _notStanding(stopped);
        vm.warp(_time() + 1);
        _refused(_decision(true), stopped);
        // Taking back goes on.
        uint256 state = vm.snapshotState();
        vm.prank(vm.addr(PANEL_BANK_KEY));
        approvals.revoke(panel, d.request);
        vm.revertToState(state);
        approvals.setActive(panel, true);
        equal(approvals.check(panel, applicant), CARD_MODEL, "as before");
    }

    function test_governance__when_a_stranger_calls__then_it_is_refused() public {
        address[2] memory others = [STRANGER, vm.addr(PANEL_BANK_KEY)];
        bytes4 no = IAccessManaged.AccessManagedUnauthorized.selector;
        for (uint256 i = 0; i < 2; ++i) {
            vm.startPrank(others[i]);
            vm.expectPartialRevert(no);
            approvals.addPanel(others[i], address(this), "Me");
            vm.expectPartialRevert(no);
            approvals.setActive(panel, true);
            vm.expectPartialRevert(no);
            approvals.suspend(panel);
            vm.stopPrank();
        }
    }
}
