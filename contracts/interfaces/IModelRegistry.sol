// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title The registered models, and which of them may answer
interface IModelRegistry {
    enum ModelState {
        None,
        Proposed,
        Active,
        Retired
    }

    /// @notice What a model's proof shows. Committed: one request's outputs for features behind two commitments. Open: the
    /// outputs of `batchSize` requests without private data, for features that stand in the proof's instances themselves,
    /// each request's in two field elements; its ten outputs in ten more, or (OpenPacked) in one.
    enum Statement {
        Committed,
        Open,
        OpenPacked
    }

    /// @param verifier the generated verifier contract: the weights are fixed in it, it is the model's fingerprint
    /// @param verifierCodeHash keccak256 of the verifier's runtime code
    /// @param featureSpecHash keccak256 of the table that says how features are read and encoded
    /// @param neutralCommitment Poseidon commitment of the neutral private tensor (a request without private data)
    /// @param outputScales one byte for each circuit output, the first output leftmost: value = output / 2**scale
    /// @param batchSize how many requests one proof answers: one, unless the statement is open
    /// @param statement what the proof shows
    struct ModelSpec {
        address verifier;
        bytes32 verifierCodeHash;
        bytes32 featureSpecHash;
        uint256 neutralCommitment;
        bytes32 outputScales;
        uint8 batchSize;
        Statement statement;
    }

    /// @param spec what was proposed
    /// @param state where the model stands
    /// @param index small number of the model, stored in each assessment (the first model is 1)
    /// @param activatableAt Unix seconds from which it may be activated
    struct Model {
        ModelSpec spec;
        ModelState state;
        uint16 index;
        uint64 activatableAt;
    }

    event ModelProposed(bytes32 indexed modelId, uint16 index, ModelSpec spec, uint64 activatableAt);
    event ModelActivated(bytes32 indexed modelId, bytes32 indexed replaced);
    event ModelRetired(bytes32 indexed modelId);
    event ModelRolledBack(bytes32 indexed from, bytes32 indexed to);
    event HistoryTablePublished(bytes32 indexed tableHash, string uri);

    error ModelUnknown(bytes32 modelId);
    error ModelExists(bytes32 modelId);
    error ModelInState(bytes32 modelId, ModelState state, ModelState expected);
    error ModelNotActive(bytes32 modelId, ModelState state);
    error TimelockRunning(bytes32 modelId, uint64 activatableAt);
    error VerifierCodeMismatch(address verifier, bytes32 codeHash, bytes32 expected);
    error VerifierDelegates(address verifier);
    error VerifierRunsOtherCode(address verifier, uint256 position, uint8 opcode);
    error ProposalExpired(bytes32 modelId, uint64 expiredAt);
    error ScaleTooLarge(uint256 output, uint256 scale, uint256 maximum);
    error ZeroBatchSize();
    error OneRequestOnly(Statement statement, uint8 batchSize);
    error CommitmentNotInField(uint256 commitment);
    error NothingToRollBackTo();
    error PrimaryCannotBeRetired(bytes32 modelId);
    error InvalidModelId();

    /// @notice What the oracle needs to check an answer; reverts unless the model is active and its verifier's code is
    /// still the proposed.
    /// @return verifier the contract that checks the proof
    /// @return index the model's small number
    /// @return scales seven bits for each output, the first output in the lowest bits; above them, from bit 70 on, the
    /// number of the {Statement}
    /// @return batchSize how many requests one proof answers, above zero
    /// @return neutralCommitment data commitment of a request without private data
    function activeModel(
        bytes32 modelId
    ) external view returns (address verifier, uint16 index, uint72 scales, uint8 batchSize, uint256 neutralCommitment);

    /// @notice Everything known about a model; `state` is None when it was never proposed.
    function model(bytes32 modelId) external view returns (Model memory);

    /// @notice SHA-256 of the canonical table of what wallets' histories are read from, zero while none is published; with
    /// another table the same wallet has other features.
    function historyTableHash() external view returns (bytes32);

    /// @notice Where the table itself can be had.
    function historyTableUri() external view returns (string memory);

    /// @notice The model that answers by default, zero before the first activation.
    function primaryModel() external view returns (bytes32);

    /// @notice The model that answers requests without private data by open statements, zero while there is none.
    function openModel() external view returns (bytes32);

    /// @notice The model id behind an assessment's `modelIndex`, zero when there is none.
    function modelAt(uint16 index) external view returns (bytes32);

    /// @notice Whether the model behind an assessment's `modelIndex` may still answer, and whether it is the primary, or
    /// the {openModel}.
    function standingOf(uint16 index) external view returns (bool active, bool primary);

    /// @notice The neutral commitment of the primary model, zero before the first activation.
    function primaryNeutralCommitment() external view returns (uint256);
}
