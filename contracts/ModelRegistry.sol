// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {Field} from "./lib/Field.sol";
import {Statements} from "./lib/Statements.sol";
import {VerifierCode} from "./lib/VerifierCode.sol";

/// @title Which models may answer, and how their outputs are read
/// @notice A model is proposed, waits for the timelock, and is activated: it becomes the primary, and the primary before
/// it stays active as the shadow, so that proofs under way still count and {rollBack} is one call. Models with open
/// statements have a primary and a shadow of their own: they answer beside the others, requests without private data.
/// Whoever the access manager lets (a multisig, a timelock, a DAO) governs.
contract ModelRegistry is IModelRegistry, AccessManaged {
    uint256 private constant OUTPUTS = 10;
    uint256 private constant SCALE_BITS = 7;
    uint256 private constant MAXIMUM_SCALE = 126;

    /// @dev How the code of an account with a key begins that runs another's code (EIP-7702); no contract's begins so.
    bytes3 private constant DELEGATION = 0xef0100;

    /// @dev Everything an answer needs, in one slot. `answers` is the batch size while the model is active, else zero.
    struct Entry {
        address verifier;
        uint8 answers;
        uint16 index;
        uint72 scales; // and the statement above them
    }

    struct Details {
        ModelState state;
        uint8 batchSize;
        uint64 activatableAt;
        bytes32 verifierCodeHash;
        bytes32 featureSpecHash;
        uint256 neutralCommitment;
        bytes32 outputScales;
    }

    struct Lane {
        bytes32 primary;
        bytes32 shadow;
    }

    /// @notice Seconds from its earliest activation in which a proposal may be activated: notice is not given years ahead.
    uint64 public constant ACTIVATION_WINDOW = 30 days;

    /// @notice Seconds between a proposal and its earliest activation.
    uint32 public immutable ACTIVATION_DELAY;

    /// @inheritdoc IModelRegistry
    bytes32 public historyTableHash;

    /// @inheritdoc IModelRegistry
    string public historyTableUri;

    Lane private _committed;
    Lane private _open;
    uint16 private _count;
    mapping(bytes32 modelId => Entry) private _entries;
    mapping(bytes32 modelId => Details) private _details;

    /// @inheritdoc IModelRegistry
    mapping(uint16 index => bytes32 modelId) public modelAt;

    /// @param authority_ the access manager
    /// @param activationDelaySeconds the timelock; zero only for development
    constructor(address authority_, uint32 activationDelaySeconds) AccessManaged(authority_) {
        ACTIVATION_DELAY = activationDelaySeconds;
    }

    /// @notice Register a model; it may be activated once the timelock has run out, and proposed again once that time is over.
    function propose(bytes32 modelId, ModelSpec calldata spec) external restricted {
        if (modelId == bytes32(0)) revert InvalidModelId();
        bool again = _isExpired(_details[modelId]);
        if (_details[modelId].state != ModelState.None && !again) revert ModelExists(modelId);
        if (!Field.isElement(spec.neutralCommitment)) revert CommitmentNotInField(spec.neutralCommitment);
        if (spec.batchSize == 0) revert ZeroBatchSize();
        if (spec.statement == Statement.Committed && spec.batchSize != 1) {
            revert OneRequestOnly(spec.statement, spec.batchSize);
        }
        _checkCode(spec.verifier, spec.verifierCodeHash);
        VerifierCode.check(spec.verifier);
        uint72 scales = _pack(spec.outputScales) | uint72(uint256(spec.statement) << Statements.SHIFT);

        uint16 index = again ? _entries[modelId].index : ++_count;
        uint64 activatableAt = uint64(block.timestamp) + ACTIVATION_DELAY;
        _entries[modelId] = Entry(spec.verifier, 0, index, scales);
        _details[modelId] = Details(
            ModelState.Proposed,
            spec.batchSize,
            activatableAt,
            spec.verifierCodeHash,
            spec.featureSpecHash,
            spec.neutralCommitment,
            spec.outputScales
        );
        modelAt[index] = modelId;
        emit ModelProposed(modelId, index, spec, activatableAt);
    }

    /// @notice Make a proposed model the primary; the primary becomes the shadow, the shadow retires.
    function activate(bytes32 modelId) external restricted {
        Entry storage entry = _entries[modelId];
        Details storage details = _details[modelId];
        if (details.state != ModelState.Proposed) revert ModelInState(modelId, details.state, ModelState.Proposed);
        if (block.timestamp < details.activatableAt) revert TimelockRunning(modelId, details.activatableAt);
        if (_isExpired(details)) revert ProposalExpired(modelId, details.activatableAt + ACTIVATION_WINDOW);
        _checkCode(entry.verifier, details.verifierCodeHash);

        Lane storage lane = _laneOf(entry);
        bytes32 previous = lane.primary;
        if (lane.shadow != bytes32(0)) _retire(lane.shadow);
        details.state = ModelState.Active;
        entry.answers = details.batchSize;
        (lane.primary, lane.shadow) = (modelId, previous);
        emit ModelActivated(modelId, previous);
    }

    /// @notice Withdraw a proposal, or retire a shadow or the open primary: it answers no more. The primary retires by
    /// {activate} or {rollBack}.
    function retire(bytes32 modelId) external restricted {
        if (modelId == _committed.primary) revert PrimaryCannotBeRetired(modelId);
        ModelState state = _details[modelId].state;
        if (state == ModelState.None) revert ModelUnknown(modelId);
        if (state == ModelState.Retired) revert ModelInState(modelId, state, ModelState.Active);
        Lane storage lane = _laneOf(_entries[modelId]);
        if (modelId == lane.shadow) lane.shadow = bytes32(0);
        // Without it, requests without private data are answered as all others.
        if (modelId == lane.primary) lane.primary = bytes32(0);
        _retire(modelId);
    }

    /// @notice Back to the model before: the shadow becomes the primary at once, the primary retires.
    function rollBack() external restricted {
        _rollBack(_committed);
    }

    /// @notice {rollBack} of the models with open statements.
    function rollBackOpen() external restricted {
        _rollBack(_open);
    }

    /// @notice Say which table of contracts the signers read wallets' histories from, and where it can be had.
    function publishHistoryTable(bytes32 tableHash, string calldata uri) external restricted {
        historyTableHash = tableHash;
        historyTableUri = uri;
        emit HistoryTablePublished(tableHash, uri);
    }

    /// @inheritdoc IModelRegistry
    function activeModel(bytes32 modelId) external view returns (address, uint16, uint72, uint8, uint256) {
        Entry memory entry = _entries[modelId];
        if (entry.answers == 0) revert ModelNotActive(modelId, _details[modelId].state);
        // What was made twice at one address, in one transaction, has other code now than whoever watched the proposal saw.
        Details storage details = _details[modelId];
        bytes32 expected = details.verifierCodeHash;
        if (entry.verifier.codehash != expected) {
            revert VerifierCodeMismatch(entry.verifier, entry.verifier.codehash, expected);
        }
        return (entry.verifier, entry.index, entry.scales, entry.answers, details.neutralCommitment);
    }

    /// @inheritdoc IModelRegistry
    function model(bytes32 modelId) external view returns (Model memory) {
        Entry memory entry = _entries[modelId];
        Details memory details = _details[modelId];
        ModelSpec memory spec = ModelSpec(
            entry.verifier,
            details.verifierCodeHash,
            details.featureSpecHash,
            details.neutralCommitment,
            details.outputScales,
            details.batchSize,
            Statement(Statements.above(entry.scales))
        );
        return Model(spec, details.state, entry.index, details.activatableAt);
    }

    /// @inheritdoc IModelRegistry
    function primaryModel() external view returns (bytes32) {
        return _committed.primary;
    }

    /// @notice The other active model, zero when there is none.
    function shadowModel() external view returns (bytes32) {
        return _committed.shadow;
    }

    /// @inheritdoc IModelRegistry
    function openModel() external view returns (bytes32) {
        return _open.primary;
    }

    /// @notice The other active model with an open statement, zero when there is none.
    function openShadowModel() external view returns (bytes32) {
        return _open.shadow;
    }

    /// @inheritdoc IModelRegistry
    function standingOf(uint16 index) external view returns (bool active, bool primary) {
        bytes32 modelId = modelAt[index];
        active = _entries[modelId].answers > 0;
        primary = active && modelId == _laneOf(_entries[modelId]).primary;
    }

    /// @inheritdoc IModelRegistry
    function primaryNeutralCommitment() external view returns (uint256) {
        return _details[_committed.primary].neutralCommitment;
    }

    function _laneOf(Entry storage entry) private view returns (Lane storage) {
        return Statements.above(entry.scales) == Statements.COMMITTED ? _committed : _open;
    }

    function _rollBack(Lane storage lane) private {
        (bytes32 from, bytes32 to) = (lane.primary, lane.shadow);
        if (to == bytes32(0)) revert NothingToRollBackTo();
        (lane.primary, lane.shadow) = (to, bytes32(0));
        emit ModelRolledBack(from, to);
        _retire(from);
    }

    function _isExpired(Details storage details) private view returns (bool) {
        return
            details.state == ModelState.Proposed &&
            block.timestamp > uint256(details.activatableAt) + ACTIVATION_WINDOW;
    }

    function _retire(bytes32 modelId) private {
        _details[modelId].state = ModelState.Retired;
        _entries[modelId].answers = 0;
        emit ModelRetired(modelId);
    }

    function _checkCode(address verifier, bytes32 expected) private view {
        bytes32 codeHash = verifier.codehash;
        if (verifier.code.length == 0 || codeHash != expected) {
            revert VerifierCodeMismatch(verifier, codeHash, expected);
        }
        // Its owner may let it run other code at any time.
        if (bytes3(verifier.code) == DELEGATION) revert VerifierDelegates(verifier);
    }

    /// @dev One byte an output, the first leftmost, to seven bits an output, the first lowest.
    function _pack(bytes32 outputScales) private pure returns (uint72 packed) {
        for (uint256 i = 0; i < OUTPUTS; ++i) {
            uint256 scale = uint8(outputScales[i]);
            if (scale > MAXIMUM_SCALE) revert ScaleTooLarge(i, scale, MAXIMUM_SCALE);
            packed |= uint72(scale << (SCALE_BITS * i));
        }
    }
}
