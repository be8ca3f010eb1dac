// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IApprovalRegistry} from "../interfaces/IApprovalRegistry.sol";

/// @title Decisions of encrypted card approvals, each signed by its three parties
/// @notice Whoever the access manager lets says who decides together; what they decide is theirs and the applicant's alone.
/// The newest decision of a panel on an applicant counts: a denial ends the approval before it, for good.
contract ApprovalRegistry is IApprovalRegistry, AccessManaged, EIP712 {
    /// @notice How long after it was taken a decision may count, at most, seconds.
    uint64 public constant MAXIMUM_LIFETIME = 366 days;

    bytes32 private constant DECISION_TYPEHASH = keccak256(
        "Decision(uint32 panel,address applicant,bytes32 request,bytes32 modelHash,bytes32 applicantInput,bytes32 bankInput,bytes32 agencyInput,bytes32 evaluationKey,bytes32 output,bytes32 dataCommitment,bool approved,uint8 yearsBin,uint64 decidedAt,uint64 validUntil)"
    );
    bytes32 private constant APPLICATION_TYPEHASH = keccak256(
        "Application(uint32 panel,address applicant,bytes32 request,bytes32 modelHash,bytes32 dataCommitment)"
    );
    bytes32 private constant REVOCATION_TYPEHASH = keccak256("Revocation(uint32 panel,bytes32 request)");

    /// @dev In one slot: a commitment stays its first applicant's; the panel is the one that named it last.
    struct Bound {
        address applicant;
        uint32 panel;
    }

    /// @inheritdoc IApprovalRegistry
    uint32 public panelCount;
    mapping(uint32 panel => Panel) private _panels;
    mapping(address bank => mapping(address agency => uint32 panel)) private _numbers;
    mapping(uint32 panel => mapping(bytes32 request => Recorded)) private _decisions;

    /// @inheritdoc IApprovalRegistry
    mapping(uint32 panel => mapping(address applicant => bytes32 request)) public newestOf;

    /// @inheritdoc IApprovalRegistry
    mapping(bytes32 dataCommitment => Bound) public boundTo;

    /// @inheritdoc IApprovalRegistry
    mapping(uint32 panel => mapping(bytes32 request => uint40)) public revokedAt;

    /// @param admin the access manager
    constructor(address admin) AccessManaged(admin) EIP712("AI Risk Oracle Approvals", "1") {}

    // ----------------------------------------------------------- governance

    /// @inheritdoc IApprovalRegistry
    function addPanel(address bank, address agency, string calldata name) external restricted returns (uint32 panel) {
        if (bytes(name).length == 0) revert NamelessPanel();
        bool known = _numbers[bank][agency] != 0;
        if (bank == address(0) || agency == address(0) || bank == agency || known) revert InvalidPanel(bank, agency);
        panel = ++panelCount;
        _numbers[bank][agency] = panel;
        _panels[panel] = Panel(bank, true, agency, name);
        emit PanelAdded(panel, bank, agency, name);
    }

    /// @inheritdoc IApprovalRegistry
    function setActive(uint32 panel, bool active) external restricted {
        _setActive(panel, active);
    }

    /// @inheritdoc IApprovalRegistry
    function suspend(uint32 panel) external restricted {
        _setActive(panel, false);
    }

    function _setActive(uint32 panel, bool active) private {
        _known(panel).active = active;
        emit PanelActiveSet(panel, active);
    }

    // ------------------------------------------------------------ decisions

    /// @inheritdoc IApprovalRegistry
    function record(Decision calldata decision, Signatures calldata signatures) external {
        bytes32 digest = decisionDigest(decision);
        _checkFits(decision);
        _checkSigned(decision, signatures, digest);

        (uint32 panel, address applicant, bytes32 request) = (decision.panel, decision.applicant, decision.request);
        bytes32 dataCommitment = decision.dataCommitment;
        _decisions[panel][request] = Recorded(
            applicant,
            uint40(decision.decidedAt),
            uint40(decision.validUntil),
            decision.approved,
            decision.yearsBin,
            decision.modelHash,
            dataCommitment,
            digest
        );
        newestOf[panel][applicant] = request;
        if (dataCommitment != bytes32(0)) boundTo[dataCommitment] = Bound(applicant, panel);
        emit DecisionRecorded(panel, applicant, request, decision);
    }

    /// @dev Revert unless the decision is one that may follow what stands here.
    function _checkFits(Decision calldata decision) private view {
        (uint32 panel, bytes32 request) = (decision.panel, decision.request);
        if (!_known(panel).active) revert PanelInactive(panel);
        if (request == bytes32(0)) revert NoRequest();
        if (_decisions[panel][request].decidedAt != 0) revert RequestDecided(panel, request);
        _checkUnrevoked(panel, request);
        _checkTimes(decision.decidedAt, decision.validUntil);
        uint40 newest = _decisions[panel][newestOf[panel][decision.applicant]].decidedAt;
        if (decision.decidedAt <= newest) revert NotNewer(decision.decidedAt, newest);
        if (decision.approved && decision.yearsBin != 0) revert YearsOfAnApproval(decision.yearsBin);
        address owner = boundTo[decision.dataCommitment].applicant;
        if (owner != address(0) && owner != decision.applicant)
            revert CommitmentOfAnother(decision.dataCommitment, owner);
    }

    function _checkTimes(uint64 decidedAt, uint64 validUntil) private view {
        // From the future on nothing could follow it.
        if (decidedAt > block.timestamp) revert DecidedLater(decidedAt, block.timestamp);
        if (block.timestamp > validUntil) revert DecisionExpired(validUntil);
        if (validUntil - decidedAt > MAXIMUM_LIFETIME)
            revert LifetimeOutOfRange(decidedAt, validUntil, MAXIMUM_LIFETIME);
    }

    function _checkSigned(Decision calldata decision, Signatures calldata signatures, bytes32 digest) private view {
        Panel storage panel = _panels[decision.panel];
        (address applicant, address bank, address agency) = (decision.applicant, panel.bank, panel.agency);
        if (applicant == bank || applicant == agency) revert PartyTwice(applicant);
        if (!_isSigned(bank, digest, signatures.bank)) revert NotSignedBy(Party.Bank, bank, digest);
        if (!_isSigned(agency, digest, signatures.agency)) revert NotSignedBy(Party.Agency, agency, digest);
        if (_isSigned(applicant, digest, signatures.applicant)) return;
        if (!decision.approved && _isSigned(applicant, _applicationOf(decision), signatures.applicant)) return;
        revert NotSignedBy(Party.Applicant, applicant, digest);
    }

    /// @dev The key first: an account that delegates (EIP-7702) to code without ERC-1271 still owns it.
    function _isSigned(address account, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address signer, ECDSA.RecoverError failed, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failed == ECDSA.RecoverError.NoError && signer == account) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(account, digest, signature);
    }

    function _applicationOf(Decision calldata decision) private view returns (bytes32) {
        return
            applicationDigest(
                decision.panel,
                decision.applicant,
                decision.request,
                decision.modelHash,
                decision.dataCommitment
            );
    }

    // ----------------------------------------------------------- revocation

    /// @inheritdoc IApprovalRegistry
    function revoke(uint32 panel, bytes32 request) external {
        Panel storage known = _known(panel);
        bool own = _msgSender() == known.bank || _msgSender() == known.agency;
        if (!own) _checkCanCall(_msgSender(), _msgData());
        _revoke(panel, request);
    }

    /// @inheritdoc IApprovalRegistry
    function revokeBySignature(uint32 panel, bytes32 request, bytes calldata signature) external {
        Panel storage known = _known(panel);
        bytes32 digest = revocationDigest(panel, request);
        if (!_isSigned(known.bank, digest, signature) && !_isSigned(known.agency, digest, signature))
            revert NotOfThePanel(panel, digest);
        _revoke(panel, request);
    }

    /// @dev Taken back twice is taken back since the first time.
    function _revoke(uint32 panel, bytes32 request) private {
        if (revokedAt[panel][request] != 0) return;
        revokedAt[panel][request] = uint40(block.timestamp);
        emit RequestRevoked(panel, request);
    }

    // --------------------------------------------------------------- checks

    /// @inheritdoc IApprovalRegistry
    function check(uint32 panel, address applicant) public view returns (bytes32 modelHash) {
        if (!_known(panel).active) revert PanelInactive(panel);
        bytes32 request = newestOf[panel][applicant];
        if (request == bytes32(0)) revert NoDecision(panel, applicant);
        Recorded storage recorded = _decisions[panel][request];
        if (!recorded.approved) revert Denied(panel, applicant, request);
        if (block.timestamp > recorded.validUntil) revert DecisionExpired(recorded.validUntil);
        _checkUnrevoked(panel, request);
        return recorded.modelHash;
    }

    /// @inheritdoc IApprovalRegistry
    function checkBound(
        bytes32 dataCommitment
    ) external view returns (address applicant, uint32 panel, bytes32 modelHash) {
        Bound memory bound = boundTo[dataCommitment];
        if (bound.applicant == address(0)) revert NothingBound(dataCommitment);
        (applicant, panel) = (bound.applicant, bound.panel);
        modelHash = check(panel, applicant);
    }

    function _checkUnrevoked(uint32 panel, bytes32 request) private view {
        uint40 at = revokedAt[panel][request];
        if (at != 0) revert RequestIsRevoked(panel, request, at);
    }

    function _known(uint32 panel) private view returns (Panel storage known) {
        known = _panels[panel];
        if (known.bank == address(0)) revert PanelUnknown(panel);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IApprovalRegistry
    function decisionOf(uint32 panel, bytes32 request) external view returns (Recorded memory) {
        return _decisions[panel][request];
    }

    /// @inheritdoc IApprovalRegistry
    function panelOf(uint32 panel) external view returns (Panel memory) {
        return _panels[panel];
    }

    /// @inheritdoc IApprovalRegistry
    function decisionDigest(Decision calldata decision) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(DECISION_TYPEHASH, decision)));
    }

    /// @inheritdoc IApprovalRegistry
    function applicationDigest(
        uint32 panel,
        address applicant,
        bytes32 request,
        bytes32 modelHash,
        bytes32 dataCommitment
    ) public view returns (bytes32) {
        bytes32 application = keccak256(
            abi.encode(APPLICATION_TYPEHASH, panel, applicant, request, modelHash, dataCommitment)
        );
        return _hashTypedDataV4(application);
    }

    /// @inheritdoc IApprovalRegistry
    function revocationDigest(uint32 panel, bytes32 request) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REVOCATION_TYPEHASH, panel, request)));
    }
}
