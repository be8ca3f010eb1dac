// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title What is used of the Ethereum Attestation Service, version 1: https://attest.org
interface IEas {
    /// @param recipient whom the attestation is about
    /// @param expirationTime Unix seconds
    struct AttestationRequestData {
        address recipient;
        uint64 expirationTime;
        bool revocable;
        bytes32 refUID;
        bytes data;
        uint256 value;
    }

    struct AttestationRequest {
        bytes32 schema;
        AttestationRequestData data;
    }

    function attest(AttestationRequest calldata request) external payable returns (bytes32 uid);

    function getSchemaRegistry() external view returns (ISchemaRegistry);
}

/// @title Its registry of schemas
interface ISchemaRegistry {
    struct SchemaRecord {
        bytes32 uid;
        address resolver;
        bool revocable;
        string schema;
    }

    /// @notice A schema; all zero when nobody registered it.
    function getSchema(bytes32 uid) external view returns (SchemaRecord memory);

    function register(string calldata schema, address resolver, bool revocable) external returns (bytes32 uid);
}
