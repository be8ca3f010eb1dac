// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IAcceptedIssuers} from "./IAcceptedIssuers.sol";
import {IApprovalRegistry} from "./IApprovalRegistry.sol";

/// @title Whose word about private data a lender takes, and whose approval of the borrower it wants besides
/// @notice What {check} takes is an issuer's attestation, as without approvals; an approval says nothing about private data.
/// Both are looked at when a loan is asked for, and again before it is paid out.
interface IAcceptedApprovals is IAcceptedIssuers {
    event PanelSet(uint32 indexed panel, bytes32 indexed modelHash, bool accepted);

    error NoApprovals(address approvals);
    error ApprovalNotAccepted(uint32 panel, bytes32 modelHash);
    error ApprovalOfAnother(bytes32 dataCommitment, address applicant);

    /// @notice Take a panel's approvals by a model, or take them no more.
    function setPanel(uint32 panel, bytes32 modelHash, bool accepted) external;

    /// @notice Whether approvals of a panel by a model are taken.
    function takes(uint32 panel, bytes32 modelHash) external view returns (bool);

    function approvals() external view returns (IApprovalRegistry);
}
