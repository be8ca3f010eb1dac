// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {IIssuerRegistry} from "../interfaces/IIssuerRegistry.sol";

/// @title Who may vouch for private data, and what they withdrew
/// @notice Whoever the access manager lets decides who vouches for what; an issuer itself may always withdraw what it
/// said, and itself.
contract IssuerRegistry is IIssuerRegistry, AccessManaged, EIP712 {
    uint8 private constant SECP256K1 = 1;
    uint8 private constant P256_KEY = 2;
    uint256 private constant ADDRESS_BYTES = 20;
    uint256 private constant POINT_BYTES = 64;
    uint256 private constant SIGNATURE_WITH_POINT_BYTES = 128;
    uint256 private constant HALF_ORDER = P256.N / 2;

    /// @notice How many schemas an issuer may vouch for: {setActive} goes through them.
    uint256 public constant MAXIMUM_SCHEMAS = 16;

    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "DataAttestation(address borrower,bytes32 dataCommitment,bytes32 schema,uint64 validUntil)"
    );
    bytes32 private constant REVOCATION_TYPEHASH = keccak256("DataRevocation(bytes32 issuer,bytes32 dataCommitment)");
    bytes32 private constant ISSUER_REVOCATION_TYPEHASH = keccak256("IssuerRevocation(bytes32 issuer)");

    /// @dev A key, in one slot. `account` is a secp256k1 key's address, zero for a P-256 key: that comes with each
    /// signature, 1,000 gas of calldata, and the issuer's id is its hash. To read it from two slots would be 4,200.
    struct Key {
        address account;
        uint8 keyType;
    }

    struct Record {
        Key key;
        bool active;
        uint40 revokedAt;
        bytes raw;
        string name;
        bytes32[] schemas;
    }

    /// @dev The key of an issuer for a schema while it may vouch for it, else nothing: all that a check asks, in one slot.
    mapping(bytes32 issuer => mapping(bytes32 schema => Key)) private _vouching;
    mapping(bytes32 issuer => Record) private _records;
    bytes32[] private _issuers;

    /// @inheritdoc IIssuerRegistry
    mapping(bytes32 issuer => mapping(bytes32 dataCommitment => uint40)) public revokedAt;

    /// @param admin the access manager
    constructor(address admin) AccessManaged(admin) EIP712("AI Risk Oracle Issuers", "1") {}

    // ----------------------------------------------------------- governance

    /// @inheritdoc IIssuerRegistry
    function addIssuer(
        uint8 keyType,
        bytes calldata key,
        string calldata name
    ) external restricted returns (bytes32 issuer) {
        if (bytes(name).length == 0) revert NamelessIssuer();
        issuer = issuerId(keyType, key);
        if (_records[issuer].key.keyType != 0) revert IssuerExists(issuer);
        Record storage record = _records[issuer];
        record.key = Key(_accountOf(keyType, key), keyType);
        record.raw = key;
        record.active = true;
        record.name = name;
        _issuers.push(issuer);
        emit IssuerAdded(issuer, keyType, key, name);
    }

    /// @inheritdoc IIssuerRegistry
    function setSchema(bytes32 issuer, bytes32 schema, bool accepted) external restricted {
        if (schema == bytes32(0)) revert ZeroSchema();
        Record storage record = _unrevoked(issuer);
        bytes32[] storage schemas = record.schemas;
        uint256 place = 0;
        while (place < schemas.length && schemas[place] != schema) ++place;
        bool stands = place < schemas.length;
        if (accepted && !stands) {
            if (place == MAXIMUM_SCHEMAS) revert TooManySchemas(issuer, MAXIMUM_SCHEMAS);
            schemas.push(schema);
            if (record.active) _vouching[issuer][schema] = record.key;
        } else if (!accepted && stands) {
            schemas[place] = schemas[schemas.length - 1];
            schemas.pop();
            delete _vouching[issuer][schema];
        }
        emit SchemaSet(issuer, schema, accepted);
    }

    /// @inheritdoc IIssuerRegistry
    function setActive(bytes32 issuer, bool active) external restricted {
        _setActive(issuer, _unrevoked(issuer), active);
    }

    /// @inheritdoc IIssuerRegistry
    function suspend(bytes32 issuer) external restricted {
        _setActive(issuer, _unrevoked(issuer), false);
    }

    // ----------------------------------------------------------- revocation

    /// @inheritdoc IIssuerRegistry
    function revokeIssuer(bytes32 issuer) external {
        _checkMayRevoke(issuer);
        _revokeIssuer(issuer);
    }

    /// @inheritdoc IIssuerRegistry
    function revokeIssuerBySignature(bytes32 issuer, bytes calldata signature) external {
        _checkSignature(issuer, _known(issuer).key, issuerRevocationDigest(issuer), signature);
        _revokeIssuer(issuer);
    }

    /// @inheritdoc IIssuerRegistry
    function revoke(bytes32 issuer, bytes32 dataCommitment) external {
        _checkMayRevoke(issuer);
        _revoke(issuer, dataCommitment);
    }

    /// @inheritdoc IIssuerRegistry
    function revokeBySignature(bytes32 issuer, bytes32 dataCommitment, bytes calldata signature) external {
        _checkSignature(issuer, _known(issuer).key, revocationDigest(issuer, dataCommitment), signature);
        _revoke(issuer, dataCommitment);
    }

    /// @dev The issuer's own account, if its key is one; else whoever the access manager lets.
    function _checkMayRevoke(bytes32 issuer) private {
        Key memory key = _known(issuer).key;
        bool own = key.keyType == SECP256K1 && key.account == _msgSender();
        if (!own) _checkCanCall(_msgSender(), _msgData());
    }

    /// @dev Withdrawn twice is withdrawn since the first time.
    function _revoke(bytes32 issuer, bytes32 dataCommitment) private {
        if (revokedAt[issuer][dataCommitment] != 0) return;
        revokedAt[issuer][dataCommitment] = uint40(block.timestamp);
        emit CommitmentRevoked(issuer, dataCommitment);
    }

    function _revokeIssuer(bytes32 issuer) private {
        Record storage record = _records[issuer];
        if (record.revokedAt != 0) return;
        _setActive(issuer, record, false);
        record.revokedAt = uint40(block.timestamp);
        emit IssuerRevoked(issuer);
    }

    function _setActive(bytes32 issuer, Record storage record, bool active) private {
        record.active = active;
        Key memory key = active ? record.key : Key(address(0), 0);
        bytes32[] storage schemas = record.schemas;
        for (uint256 i = 0; i < schemas.length; ++i) _vouching[issuer][schemas[i]] = key;
        emit IssuerActiveSet(issuer, active);
    }

    // --------------------------------------------------------------- checks

    /// @inheritdoc IIssuerRegistry
    function check(address borrower, bytes32 dataCommitment, Attestation calldata attestation) external view {
        bytes32 issuer = attestation.issuer;
        Key memory key = _vouchingKey(issuer, attestation.schema);
        uint64 validUntil = attestation.validUntil;
        if (block.timestamp > validUntil) revert AttestationExpired(validUntil);
        _checkUnrevoked(issuer, dataCommitment);
        bytes32 digest = attestationDigest(borrower, dataCommitment, attestation.schema, validUntil);
        _checkSignature(issuer, key, digest, attestation.signature);
    }

    /// @inheritdoc IIssuerRegistry
    function checkStanding(bytes32 issuer, bytes32 schema, bytes32 dataCommitment) external view {
        _vouchingKey(issuer, schema);
        _checkUnrevoked(issuer, dataCommitment);
    }

    function _vouchingKey(bytes32 issuer, bytes32 schema) private view returns (Key memory key) {
        key = _vouching[issuer][schema];
        if (key.keyType != 0) return key;
        if (!_unrevoked(issuer).active) revert IssuerInactive(issuer);
        revert SchemaNotIssued(issuer, schema);
    }

    function _checkUnrevoked(bytes32 issuer, bytes32 dataCommitment) private view {
        uint40 at = revokedAt[issuer][dataCommitment];
        if (at != 0) revert CommitmentIsRevoked(issuer, dataCommitment, at);
    }

    function _checkSignature(bytes32 issuer, Key memory key, bytes32 digest, bytes calldata signature) private view {
        bool valid;
        if (key.keyType == SECP256K1) {
            if (signature.length != 65) revert WrongSignatureLength(signature.length, 65);
            (address signer, ECDSA.RecoverError failed, ) = ECDSA.tryRecoverCalldata(digest, signature);
            if (failed == ECDSA.RecoverError.InvalidSignatureS) revert MalleableSignature(issuer);
            // A signature that recovers nobody recovers the zero address, which is no issuer's.
            valid = signer == key.account;
        } else {
            if (signature.length != SIGNATURE_WITH_POINT_BYTES)
                revert WrongSignatureLength(signature.length, SIGNATURE_WITH_POINT_BYTES);
            (bytes32 r, bytes32 s, bytes32 x, bytes32 y) = abi.decode(signature, (bytes32, bytes32, bytes32, bytes32));
            if (uint256(s) > HALF_ORDER) revert MalleableSignature(issuer);
            valid = issuerId(P256_KEY, signature[POINT_BYTES:]) == issuer && P256.verify(digest, r, s, x, y);
        }
        if (!valid) revert NotSignedByIssuer(issuer, digest);
    }

    // ----------------------------------------------------------------- keys

    /// @dev The account of a new issuer's key, zero for a point; reverts for what is no key.
    function _accountOf(uint8 keyType, bytes calldata key) private view returns (address account) {
        if (keyType == SECP256K1) {
            if (key.length != ADDRESS_BYTES) revert InvalidKey(keyType, key);
            account = address(bytes20(key));
            if (account == address(0)) revert InvalidKey(keyType, key);
            return account;
        }
        if (keyType != P256_KEY) revert UnknownKeyType(keyType);
        if (key.length != POINT_BYTES) revert InvalidKey(keyType, key);
        if (!P256.isValidPublicKey(bytes32(key[:32]), bytes32(key[32:]))) revert InvalidKey(keyType, key);
    }

    function _known(bytes32 issuer) private view returns (Record storage record) {
        record = _records[issuer];
        if (record.key.keyType == 0) revert IssuerUnknown(issuer);
    }

    function _unrevoked(bytes32 issuer) private view returns (Record storage record) {
        record = _known(issuer);
        if (record.revokedAt != 0) revert IssuerIsRevoked(issuer, record.revokedAt);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IIssuerRegistry
    function issuerId(uint8 keyType, bytes calldata key) public pure returns (bytes32) {
        return keccak256(abi.encode(keyType, key));
    }

    /// @inheritdoc IIssuerRegistry
    function issuerOf(bytes32 issuer) external view returns (Issuer memory) {
        Record storage record = _records[issuer];
        return Issuer(record.key.keyType, record.active, record.revokedAt, record.raw, record.name, record.schemas);
    }

    /// @inheritdoc IIssuerRegistry
    function issuers() external view returns (bytes32[] memory) {
        return _issuers;
    }

    /// @inheritdoc IIssuerRegistry
    function attestationDigest(
        address borrower,
        bytes32 dataCommitment,
        bytes32 schema,
        uint64 validUntil
    ) public view returns (bytes32) {
        return
            _hashTypedDataV4(keccak256(abi.encode(ATTESTATION_TYPEHASH, borrower, dataCommitment, schema, validUntil)));
    }

    /// @inheritdoc IIssuerRegistry
    function revocationDigest(bytes32 issuer, bytes32 dataCommitment) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REVOCATION_TYPEHASH, issuer, dataCommitment)));
    }

    /// @inheritdoc IIssuerRegistry
    function issuerRevocationDigest(bytes32 issuer) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ISSUER_REVOCATION_TYPEHASH, issuer)));
    }
}
