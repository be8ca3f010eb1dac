// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title Who may vouch for private data, and what an attestation must be
/// @notice An issuer (a bank, an employer, an agency) signs that a data commitment is a borrower's. What was committed to
/// is never seen here. A rotated key is another issuer, with an id of its own.
interface IIssuerRegistry {
    /// @notice What an issuer gives a borrower; typed data of the domain `AI Risk Oracle Issuers`, version `1`:
    /// `DataAttestation(address borrower,bytes32 dataCommitment,bytes32 schema,uint64 validUntil)`.
    /// @param issuer its id, {issuerId}
    /// @param schema hash of the schema that the committed data follow
    /// @param validUntil Unix seconds; the last second in which it counts
    /// @param signature 65 bytes r, s, v by a secp256k1 key; 128 bytes r, s, x, y by a P-256 key over the same digest, x and
    /// y that key; low s
    struct Attestation {
        bytes32 issuer;
        bytes32 schema;
        uint64 validUntil;
        bytes signature;
    }

    /// @notice An issuer as it stands now.
    /// @param keyType 1 secp256k1, 2 P-256; zero for an issuer that there is not
    /// @param active whether its attestations count
    /// @param revokedAt Unix seconds since when it is gone for good, zero while it is not
    /// @param key 20 bytes, an address; or 64 bytes, x and y
    /// @param schemas what it may vouch for
    struct Issuer {
        uint8 keyType;
        bool active;
        uint40 revokedAt;
        bytes key;
        string name;
        bytes32[] schemas;
    }

    event IssuerAdded(bytes32 indexed issuer, uint8 keyType, bytes key, string name);
    event SchemaSet(bytes32 indexed issuer, bytes32 indexed schema, bool accepted);
    event IssuerActiveSet(bytes32 indexed issuer, bool active);
    event IssuerRevoked(bytes32 indexed issuer);
    event CommitmentRevoked(bytes32 indexed issuer, bytes32 indexed dataCommitment);

    error UnknownKeyType(uint8 keyType);
    error InvalidKey(uint8 keyType, bytes key);
    error NamelessIssuer();
    error IssuerExists(bytes32 issuer);
    error ZeroSchema();
    error TooManySchemas(bytes32 issuer, uint256 maximum);
    error IssuerUnknown(bytes32 issuer);
    error IssuerInactive(bytes32 issuer);
    error IssuerIsRevoked(bytes32 issuer, uint40 revokedAt);
    error SchemaNotIssued(bytes32 issuer, bytes32 schema);
    error AttestationExpired(uint64 validUntil);
    error CommitmentIsRevoked(bytes32 issuer, bytes32 dataCommitment, uint40 revokedAt);
    error WrongSignatureLength(uint256 length, uint256 expected);
    error MalleableSignature(bytes32 issuer);
    error NotSignedByIssuer(bytes32 issuer, bytes32 digest);

    /// @notice Let a key vouch, for nothing yet: {setSchema}.
    /// @param keyType 1 secp256k1, 2 P-256
    /// @param key 20 bytes, the address of a secp256k1 key; or 64 bytes, x and y of a P-256 key
    function addIssuer(uint8 keyType, bytes calldata key, string calldata name) external returns (bytes32 issuer);

    /// @notice Say whether an issuer may vouch for data of a schema.
    function setSchema(bytes32 issuer, bytes32 schema, bool accepted) external;

    /// @notice Stop an issuer, or start it again: while it is stopped none of its attestations counts.
    function setActive(bytes32 issuer, bool active) external;

    /// @notice Stop an issuer; a role that may only do this can be given to whoever watches.
    function suspend(bytes32 issuer) external;

    /// @notice End an issuer for good, for a key that was lost or stolen; its own account may, and governance.
    function revokeIssuer(bytes32 issuer) external;

    /// @notice The same by the issuer's signature over {issuerRevocationDigest}, whoever sends it.
    function revokeIssuerBySignature(bytes32 issuer, bytes calldata signature) external;

    /// @notice Withdraw one commitment for good, whether or not it was attested; the issuer's own account may, and governance.
    function revoke(bytes32 issuer, bytes32 dataCommitment) external;

    /// @notice The same by the issuer's signature over {revocationDigest}, whoever sends it.
    function revokeBySignature(bytes32 issuer, bytes32 dataCommitment, bytes calldata signature) external;

    /// @notice Revert, with the cause, unless an issuer that may vouch for this schema says now that this commitment is
    /// this borrower's. Of two causes the first counts: issuer, schema, time, revocation, signature.
    function check(address borrower, bytes32 dataCommitment, Attestation calldata attestation) external view;

    /// @notice Revert, with the cause, unless the issuer may still vouch for this schema and has not withdrawn the
    /// commitment: what a lender looks at again, of an attestation that it checked before.
    function checkStanding(bytes32 issuer, bytes32 schema, bytes32 dataCommitment) external view;

    /// @notice keccak256(abi.encode(uint8 keyType, bytes key)).
    function issuerId(uint8 keyType, bytes calldata key) external pure returns (bytes32);

    /// @notice An issuer as it stands; `keyType` is zero when there is none.
    function issuerOf(bytes32 issuer) external view returns (Issuer memory);

    /// @notice All issuers that were ever added, in that order.
    function issuers() external view returns (bytes32[] memory);

    /// @notice Since when a commitment is withdrawn by an issuer, Unix seconds; zero while it is not.
    function revokedAt(bytes32 issuer, bytes32 dataCommitment) external view returns (uint40);

    /// @notice The EIP-712 digest that an issuer signs for a borrower.
    function attestationDigest(
        address borrower,
        bytes32 dataCommitment,
        bytes32 schema,
        uint64 validUntil
    ) external view returns (bytes32);

    /// @notice The EIP-712 digest of `DataRevocation(bytes32 issuer,bytes32 dataCommitment)`.
    function revocationDigest(bytes32 issuer, bytes32 dataCommitment) external view returns (bytes32);

    /// @notice The EIP-712 digest of `IssuerRevocation(bytes32 issuer)`.
    function issuerRevocationDigest(bytes32 issuer) external view returns (bytes32);
}
