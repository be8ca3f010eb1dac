// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./Built.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IApprovalRegistry} from "../../contracts/interfaces/IApprovalRegistry.sol";
import {ApprovalRegistry} from "../../contracts/approval/ApprovalRegistry.sol";
import {Checks} from "./Vm.sol";

/// @notice A contract's account: whatever its owner's key signed, it signed (ERC-1271).
contract ContractAccount is IERC1271 {
    bytes32 public wanted;

    /// @notice Take a digest, whatever the signature.
    function want(bytes32 digest) external {
        wanted = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return digest == wanted && signature.length == 3 ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice A panel of two, an applicant, and what they decide.
abstract contract ApprovalFixture is Checks {
    uint256 internal constant APPLICANT_KEY = 0xB0770;
    uint256 internal constant PANEL_BANK_KEY = 0xBA2C2;
    uint256 internal constant AGENCY_KEY = 0xA6E2C;
    bytes32 internal constant CARD_MODEL = keccak256("a card model");

    ApprovalRegistry internal approvals;
    address internal applicant;
    uint32 internal panel;
    uint256 private _count;

    function _foundApprovals(AccessManager manager_) internal {
        approvals = Built.approvalRegistry(address(manager_));
        applicant = vm.addr(APPLICANT_KEY);
        panel = approvals.addPanel(vm.addr(PANEL_BANK_KEY), vm.addr(AGENCY_KEY), "A bank and an agency");
    }

    /// @dev Of a request of its own, taken now, for a week, without private data.
    function _decision(bool approved) internal returns (IApprovalRegistry.Decision memory d) {
        bytes32 request = keccak256(abi.encode("request", ++_count));
        uint64 now_ = uint64(vm.getBlockTimestamp());
        d.panel = panel;
        d.applicant = applicant;
        d.request = request;
        d.modelHash = CARD_MODEL;
        d.applicantInput = keccak256(abi.encode(request, "applicant"));
        d.bankInput = keccak256(abi.encode(request, "bank"));
        d.agencyInput = keccak256(abi.encode(request, "agency"));
        d.evaluationKey = keccak256("evaluation key");
        d.output = keccak256(abi.encode(request, "output"));
        d.approved = approved;
        d.yearsBin = approved ? 0 : 4;
        d.decidedAt = now_;
        d.validUntil = now_ + 7 days;
    }

    function _key(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _signed(IApprovalRegistry.Decision memory d) internal view returns (IApprovalRegistry.Signatures memory) {
        bytes32 digest = approvals.decisionDigest(d);
        return
            IApprovalRegistry.Signatures(
                _key(APPLICANT_KEY, digest),
                _key(PANEL_BANK_KEY, digest),
                _key(AGENCY_KEY, digest)
            );
    }

    /// @dev What the applicant signs before anything is opened.
    function _application(IApprovalRegistry.Decision memory d) internal view returns (bytes memory) {
        bytes32 digest = approvals.applicationDigest(d.panel, d.applicant, d.request, d.modelHash, d.dataCommitment);
        return _key(APPLICANT_KEY, digest);
    }

    function _record(IApprovalRegistry.Decision memory d) internal {
        approvals.record(d, _signed(d));
    }

    function _decide(bool approved) internal returns (IApprovalRegistry.Decision memory d) {
        d = _decision(approved);
        _record(d);
    }
}
