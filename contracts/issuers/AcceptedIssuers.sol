// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAcceptedIssuers} from "../interfaces/IAcceptedIssuers.sol";
import {IIssuerRegistry} from "../interfaces/IIssuerRegistry.sol";

/// @title Whose word about private data a lender takes
contract AcceptedIssuers is IAcceptedIssuers, AccessManaged {
    struct Pair {
        bytes32 issuer;
        bytes32 schema;
    }

    struct Standing {
        uint16 number;
        bool accepted;
    }

    /// @inheritdoc IAcceptedIssuers
    IIssuerRegistry public immutable registry;

    /// @inheritdoc IAcceptedIssuers
    uint16 public pairCount;

    /// @inheritdoc IAcceptedIssuers
    mapping(uint16 number => Pair) public pairOf;
    mapping(bytes32 issuer => mapping(bytes32 schema => Standing)) private _standings;

    /// @param admin the access manager
    constructor(address admin, IIssuerRegistry registry_) AccessManaged(admin) {
        if (address(registry_).code.length == 0) revert NoRegistry(address(registry_));
        registry = registry_;
    }

    /// @inheritdoc IAcceptedIssuers
    function setAccepted(bytes32 issuer, bytes32 schema, bool accepted) external restricted {
        uint16 number = _standings[issuer][schema].number;
        if (number == 0) {
            // Loans remember the number: it is never another pair's.
            number = ++pairCount;
            pairOf[number] = Pair(issuer, schema);
        }
        _standings[issuer][schema] = Standing(number, accepted);
        emit AcceptedSet(issuer, schema, accepted, number);
    }

    /// @inheritdoc IAcceptedIssuers
    function check(
        address borrower,
        bytes32 dataCommitment,
        IIssuerRegistry.Attestation calldata attestation
    ) public view virtual returns (uint16 number) {
        number = _accepted(attestation.issuer, attestation.schema);
        registry.check(borrower, dataCommitment, attestation);
    }

    /// @inheritdoc IAcceptedIssuers
    function checkStanding(uint16 number, bytes32 dataCommitment) public view virtual {
        Pair memory pair = pairOf[number];
        _accepted(pair.issuer, pair.schema);
        registry.checkStanding(pair.issuer, pair.schema, dataCommitment);
    }

    /// @inheritdoc IAcceptedIssuers
    function accepts(bytes32 issuer, bytes32 schema) external view returns (bool) {
        return _standings[issuer][schema].accepted;
    }

    function _accepted(bytes32 issuer, bytes32 schema) private view returns (uint16) {
        Standing memory standing = _standings[issuer][schema];
        if (!standing.accepted) revert IssuerNotAccepted(issuer, schema);
        return standing.number;
    }
}
