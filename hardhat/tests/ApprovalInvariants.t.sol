// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IApprovalRegistry} from "../contracts/interfaces/IApprovalRegistry.sol";
import {ApprovalFixture} from "./support/ApprovalFixture.sol";

/// @notice Two panels decide on two applicants at random, and everything that was ever signed is sent again at random.
contract ApprovalWorld is ApprovalFixture {
    uint256 private constant OTHER_KEY = 0xB0771;

    struct Paper {
        IApprovalRegistry.Decision decision;
        IApprovalRegistry.Signatures signatures;
        bool recorded;
    }

    /// @notice Everything that was signed so far.
    Paper[] private _papers;
    /// @notice What the model of it says: the newest that was recorded, as a place in the papers and one.
    mapping(uint32 panel => mapping(address who => uint256 place)) public newest;
    mapping(uint32 panel => mapping(bytes32 request => bool)) public gone;
    mapping(uint32 panel => bool) public stopped;
    mapping(bytes32 dataCommitment => address who) public ownerOf;
    /// @notice What was taken against the rules: twice, after its time, before its time, older, of another's data.
    uint256 public wronglyTaken;

    constructor() {
        vm.warp(1_800_000_000);
        _foundApprovals(new AccessManager(address(this)));
        approvals.addPanel(vm.addr(AGENCY_KEY), vm.addr(PANEL_BANK_KEY), "Turned round");
    }

    function applicants() public pure returns (address[2] memory) {
        return [vm.addr(APPLICANT_KEY), vm.addr(OTHER_KEY)];
    }

    function registry() external view returns (IApprovalRegistry) {
        return approvals;
    }

    /// @dev All three sign; nobody sends it yet. A denial's applicant signed its application alone.
    function sign(bool other, bool turned, bool approved, uint8 data, int16 age, uint16 life) external {
        IApprovalRegistry.Decision memory d = _decision(approved);
        d.panel = turned ? 2 : 1;
        d.applicant = applicants()[other ? 1 : 0];
        d.dataCommitment = bytes32(uint256(data % 4));
        uint256 at = uint256(int256(vm.getBlockTimestamp()) - int256(age));
        (d.decidedAt, d.validUntil) = (uint64(at), uint64(at + life));
        bytes32 digest = approvals.decisionDigest(d);
        bytes32 theirs =
            approved
                ? digest
                : approvals.applicationDigest(d.panel, d.applicant, d.request, d.modelHash, d.dataCommitment);
        IApprovalRegistry.Signatures memory s = IApprovalRegistry.Signatures(
            _key(other ? OTHER_KEY : APPLICANT_KEY, theirs),
            _key(turned ? AGENCY_KEY : PANEL_BANK_KEY, digest),
            _key(turned ? PANEL_BANK_KEY : AGENCY_KEY, digest)
        );
        _papers.push(Paper(d, s, false));
    }

    function send(uint256 which) public {
        if (_papers.length == 0) return;
        which %= _papers.length;
        Paper storage paper = _papers[which];
        try approvals.record(paper.decision, paper.signatures) {
            if (!_mayBeTaken(paper)) ++wronglyTaken;
            paper.recorded = true;
            IApprovalRegistry.Decision memory d = paper.decision;
            newest[d.panel][d.applicant] = which + 1;
            if (d.dataCommitment != 0) ownerOf[d.dataCommitment] = d.applicant;
        } catch {}
    }

    /// @dev By chance alone the newest paper is seldom sent.
    function sendLast() external {
        if (_papers.length > 0) send(_papers.length - 1);
    }

    function _mayBeTaken(Paper storage paper) private view returns (bool) {
        IApprovalRegistry.Decision memory d = paper.decision;
        uint256 now_ = vm.getBlockTimestamp();
        uint256 place = newest[d.panel][d.applicant];
        bool newer = place == 0 || d.decidedAt > _papers[place - 1].decision.decidedAt;
        address owner = ownerOf[d.dataCommitment];
        bool owns = d.dataCommitment == 0 || owner == address(0) || owner == d.applicant;
        bool inTime = d.decidedAt <= now_ && now_ <= d.validUntil;
        return newer && owns && inTime && !paper.recorded && !stopped[d.panel] && !gone[d.panel][d.request];
    }

    function revoke(uint256 which, bool byBank) external {
        if (_papers.length == 0) return;
        IApprovalRegistry.Decision memory d = _papers[which % _papers.length].decision;
        vm.prank(vm.addr(byBank ? PANEL_BANK_KEY : AGENCY_KEY));
        approvals.revoke(d.panel, d.request);
        gone[d.panel][d.request] = true;
    }

    function setActive(bool turned, bool active) external {
        approvals.setActive(turned ? 2 : 1, active);
        stopped[turned ? 2 : 1] = !active;
    }

    function pass(uint16 time) external {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    /// @notice Whether a panel's word on somebody should count now, by this model of it.
    function shouldStand(uint32 panel_, address who) external view returns (bool) {
        uint256 place = newest[panel_][who];
        if (place == 0 || stopped[panel_]) return false;
        IApprovalRegistry.Decision memory d = _papers[place - 1].decision;
        return d.approved && !gone[panel_][d.request] && vm.getBlockTimestamp() <= d.validUntil;
    }
}

/// @title Whatever is signed and sent in whatever order: the newest decision counts, and nothing else
contract ApprovalInvariantsTest is ApprovalFixture {
    ApprovalWorld private world;

    function setUp() public {
        world = new ApprovalWorld();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(world);
    }

    function invariant_nothing_is_taken_twice_late_early_or_out_of_order() external view {
        equal(world.wronglyTaken(), 0, "taken against the rules");
    }

    function invariant_an_approval_counts_exactly_while_it_is_the_newest_word() external view {
        for (uint32 number = 1; number <= 2; ++number) {
            for (uint256 i = 0; i < 2; ++i) {
                address who = world.applicants()[i];
                bool stands;
                try world.registry().check(number, who) returns (bytes32) {
                    stands = true;
                } catch {}
                check(stands == world.shouldStand(number, who), "as it should");
            }
        }
    }

    function invariant_private_data_stay_whose_they_were() external view {
        for (uint256 data = 1; data < 4; ++data) {
            (address who, ) = world.registry().boundTo(bytes32(data));
            equal(who, world.ownerOf(bytes32(data)), "owner");
        }
        (address nobody, ) = world.registry().boundTo(bytes32(0));
        equal(nobody, address(0), "nothing is nobody's");
    }
}
