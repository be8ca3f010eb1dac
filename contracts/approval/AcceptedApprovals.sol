// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAcceptedApprovals} from "../interfaces/IAcceptedApprovals.sol";
import {IAcceptedIssuers} from "../interfaces/IAcceptedIssuers.sol";
import {IApprovalRegistry} from "../interfaces/IApprovalRegistry.sol";
import {IIssuerRegistry} from "../interfaces/IIssuerRegistry.sol";
import {AcceptedIssuers} from "../issuers/AcceptedIssuers.sol";

/// @title Whose word about private data a lender takes, and whose approval of the borrower it wants besides
/// @notice A lender made with this lends to nobody whom no accepted panel approved: it asks here as it would ask
/// {AcceptedIssuers}. Who brings no private data does not come by here: such a lender's policy requires a passport.
contract AcceptedApprovals is IAcceptedApprovals, AcceptedIssuers {
    /// @inheritdoc IAcceptedApprovals
    IApprovalRegistry public immutable approvals;

    /// @inheritdoc IAcceptedApprovals
    mapping(uint32 panel => mapping(bytes32 modelHash => bool)) public takes;

    /// @param admin the access manager
    constructor(
        address admin,
        IIssuerRegistry registry_,
        IApprovalRegistry approvals_
    ) AcceptedIssuers(admin, registry_) {
        if (address(approvals_).code.length == 0) revert NoApprovals(address(approvals_));
        approvals = approvals_;
    }

    /// @inheritdoc IAcceptedApprovals
    function setPanel(uint32 panel, bytes32 modelHash, bool accepted) external restricted {
        takes[panel][modelHash] = accepted;
        emit PanelSet(panel, modelHash, accepted);
    }

    /// @inheritdoc IAcceptedIssuers
    function check(
        address borrower,
        bytes32 dataCommitment,
        IIssuerRegistry.Attestation calldata attestation
    ) public view override(AcceptedIssuers, IAcceptedIssuers) returns (uint16 number) {
        number = super.check(borrower, dataCommitment, attestation);
        address applicant = _checkApproved(dataCommitment);
        if (applicant != borrower) revert ApprovalOfAnother(dataCommitment, applicant);
    }

    /// @inheritdoc IAcceptedIssuers
    /// @dev A registry binds a commitment to one applicant for good: whose it is was looked at by {check}.
    function checkStanding(
        uint16 number,
        bytes32 dataCommitment
    ) public view override(AcceptedIssuers, IAcceptedIssuers) {
        super.checkStanding(number, dataCommitment);
        _checkApproved(dataCommitment);
    }

    function _checkApproved(bytes32 dataCommitment) private view returns (address applicant) {
        uint32 panel;
        bytes32 modelHash;
        (applicant, panel, modelHash) = approvals.checkBound(dataCommitment);
        if (!takes[panel][modelHash]) revert ApprovalNotAccepted(panel, modelHash);
    }
}
