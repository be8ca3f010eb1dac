// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IIssuerRegistry} from "./IIssuerRegistry.sol";

/// @title Whose word about private data a lender takes
/// @notice The registry says who may vouch at all; this says, for the lenders that share it, for which issuer and schema
/// that is enough.
interface IAcceptedIssuers {
    event AcceptedSet(bytes32 indexed issuer, bytes32 indexed schema, bool accepted, uint16 number);

    error IssuerNotAccepted(bytes32 issuer, bytes32 schema);
    error NoRegistry(address registry);

    /// @notice Take an issuer's word for data of a schema, or take it no more.
    function setAccepted(bytes32 issuer, bytes32 schema, bool accepted) external;

    /// @notice Revert, with the cause, unless an accepted issuer says now that this commitment is this borrower's.
    /// @return number stands for issuer and schema, for ever ({pairOf}); above zero
    function check(
        address borrower,
        bytes32 dataCommitment,
        IIssuerRegistry.Attestation calldata attestation
    ) external view returns (uint16 number);

    /// @notice Revert, with the cause, unless what was checked before still stands: the pair is accepted, the issuer may
    /// vouch, and has not withdrawn the commitment. The attestation's own time is the caller's to look at.
    function checkStanding(uint16 number, bytes32 dataCommitment) external view;

    function accepts(bytes32 issuer, bytes32 schema) external view returns (bool);

    /// @notice The issuer and the schema that a number stands for, zeros when it stands for none.
    function pairOf(uint16 number) external view returns (bytes32 issuer, bytes32 schema);

    /// @notice How many numbers there are: they run from 1 to this.
    function pairCount() external view returns (uint16);

    function registry() external view returns (IIssuerRegistry);
}
