// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IEas, ISchemaRegistry} from "../interfaces/IEas.sol";

/// @title Publishes answers of the oracle as attestations of the Ethereum Attestation Service
/// @notice Anyone may publish a wallet's latest unexpired assessment, once. The attestation says what the oracle stores,
/// nothing else; it expires with the assessment, and nobody can revoke it. A reader must look at the attester: it is
/// this contract, for anyone else may attest anything by the same schema.
contract EasPublisher {
    /// @notice Basis points except `durationDays`; `modelIndex` and `oracle` lead to the model that was proven.
    string public constant SCHEMA =
        "address oracle,uint8 category,uint16 score,uint16 probabilityOfDefault,uint16 fraudLikelihood,uint16 interestRate,uint16 durationDays,uint16 maximumLtv,uint16 confidence,uint40 issuedAt,uint40 blockNumber,uint16 modelIndex";

    IAIRiskOracle public immutable oracle;
    IEas public immutable eas;

    /// @notice The schema's id in the service's registry: without a resolver, not revocable.
    bytes32 public immutable schemaId;

    /// @notice The attestation of an assessment by keccak256(abi.encode(user, assessment)), zero before it is published.
    mapping(bytes32 assessmentHash => bytes32 uid) public attestationOf;

    event Published(address indexed user, bytes32 indexed uid);

    error AlreadyPublished(address user, bytes32 uid);

    constructor(IAIRiskOracle oracle_, IEas eas_) {
        oracle = oracle_;
        eas = eas_;
        bytes32 uid = keccak256(abi.encodePacked(SCHEMA, address(0), false));
        // Anyone may have registered the same schema before.
        ISchemaRegistry schemas = eas_.getSchemaRegistry();
        if (schemas.getSchema(uid).uid != uid) schemas.register(SCHEMA, address(0), false);
        schemaId = uid;
    }

    /// @notice Publish the latest assessment of a wallet; reverts when there is none, or it expired.
    function publish(address user) external returns (bytes32 uid) {
        IAIRiskOracle.Assessment memory a = oracle.getAssessment(user);
        if (block.timestamp >= a.expiresAt) revert IAIRiskOracle.AssessmentExpired(user, a.expiresAt);
        bytes32 assessmentHash = keccak256(abi.encode(user, a));
        uid = attestationOf[assessmentHash];
        if (uid != bytes32(0)) revert AlreadyPublished(user, uid);
        uid = eas.attest(
            IEas.AttestationRequest(schemaId, IEas.AttestationRequestData(user, a.expiresAt, false, 0, _encode(a), 0))
        );
        attestationOf[assessmentHash] = uid;
        emit Published(user, uid);
    }

    function _encode(IAIRiskOracle.Assessment memory a) private view returns (bytes memory) {
        return
            abi.encode(
                oracle,
                a.category,
                a.score,
                a.probabilityOfDefault,
                a.fraudLikelihood,
                a.interestRate,
                a.durationDays,
                a.maximumLtv,
                a.confidence,
                a.issuedAt,
                a.blockNumber,
                a.modelIndex
            );
    }
}
