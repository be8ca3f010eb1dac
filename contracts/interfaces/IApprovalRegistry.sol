// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title Decisions of encrypted card approvals, each signed by its three parties
/// @notice A panel is a bank and an agency that decide together; the applicant, whose account it is, is the third. The
/// contract sees signatures and hashes: whether the evaluation is the model's anybody checks who has the ciphertexts.
interface IApprovalRegistry {
    /// @notice What the three sign; typed data of the domain `AI Risk Oracle Approvals`, version `1`: `Decision(uint32
    /// panel,address applicant,bytes32 request,bytes32 modelHash,bytes32 applicantInput,bytes32 bankInput,bytes32
    /// agencyInput,bytes32 evaluationKey,bytes32 output,bytes32 dataCommitment,bool approved,uint8 yearsBin,uint64
    /// decidedAt,uint64 validUntil)`.
    /// @param panel its number, {addPanel}
    /// @param request one application of one session: keccak256(abi.encode(bytes16 session, uint256 application)); each is
    /// decided once
    /// @param modelHash the model's digest, as every message of the session names it
    /// @param applicantInput keccak256 of the applicant's ciphertexts: features, blinds and masks, one after another
    /// @param evaluationKey keccak256 of what the three sent of the evaluation key, one after another
    /// @param output keccak256 of the evaluated ciphertext: decision and what-ifs
    /// @param dataCommitment of the private data that the applicant brings to a lender with this decision; zero for none.
    /// Nobody says by it what these data are: that is for an issuer to say
    /// @param yearsBin the lowest bin of years of employment that would have been approved, from 1 on; zero for none, and
    /// with an approval
    /// @param decidedAt Unix seconds; of two decisions of a panel on an applicant the later counts
    /// @param validUntil Unix seconds; the last second in which an approval counts
    struct Decision {
        uint32 panel;
        address applicant;
        bytes32 request;
        bytes32 modelHash;
        bytes32 applicantInput;
        bytes32 bankInput;
        bytes32 agencyInput;
        bytes32 evaluationKey;
        bytes32 output;
        bytes32 dataCommitment;
        bool approved;
        uint8 yearsBin;
        uint64 decidedAt;
        uint64 validUntil;
    }

    /// @notice Each party's signature: 65 bytes r, s, v with low s, or what its contract takes (ERC-1271).
    /// @param applicant over {decisionDigest}; or, for a denial, over {applicationDigest}, given before anything was opened:
    /// nobody who was denied need be asked for a signature
    struct Signatures {
        bytes applicant;
        bytes bank;
        bytes agency;
    }

    /// @notice A panel as it stands now; both accounts are zero when there is none.
    struct Panel {
        address bank;
        bool active;
        address agency;
        string name;
    }

    /// @notice A decision that was recorded; `decidedAt` is zero when there is none. Times in Unix seconds.
    /// @param digest what the three signed, {decisionDigest}
    struct Recorded {
        address applicant;
        uint40 decidedAt;
        uint40 validUntil;
        bool approved;
        uint8 yearsBin;
        bytes32 modelHash;
        bytes32 dataCommitment;
        bytes32 digest;
    }

    enum Party {
        Applicant,
        Bank,
        Agency
    }

    event PanelAdded(uint32 indexed panel, address indexed bank, address indexed agency, string name);
    event PanelActiveSet(uint32 indexed panel, bool active);
    event DecisionRecorded(uint32 indexed panel, address indexed applicant, bytes32 indexed request, Decision decision);
    event RequestRevoked(uint32 indexed panel, bytes32 indexed request);

    error NamelessPanel();
    error InvalidPanel(address bank, address agency);
    error PanelUnknown(uint32 panel);
    error PanelInactive(uint32 panel);
    error PartyTwice(address account);
    error NoRequest();
    error RequestDecided(uint32 panel, bytes32 request);
    error RequestIsRevoked(uint32 panel, bytes32 request, uint40 revokedAt);
    error DecidedLater(uint64 decidedAt, uint256 now_);
    error DecisionExpired(uint64 validUntil);
    error LifetimeOutOfRange(uint64 decidedAt, uint64 validUntil, uint64 maximumSeconds);
    error NotNewer(uint64 decidedAt, uint40 newest);
    error YearsOfAnApproval(uint8 yearsBin);
    error CommitmentOfAnother(bytes32 dataCommitment, address applicant);
    error NotSignedBy(Party party, address account, bytes32 digest);
    error NotOfThePanel(uint32 panel, bytes32 digest);
    error NoDecision(uint32 panel, address applicant);
    error NothingBound(bytes32 dataCommitment);
    error Denied(uint32 panel, address applicant, bytes32 request);

    /// @notice Let a bank and an agency decide together. A party with another account is another panel.
    function addPanel(address bank, address agency, string calldata name) external returns (uint32 panel);

    /// @notice Stop a panel, or start it again: while it is stopped it decides nothing, and nothing it decided counts.
    function setActive(uint32 panel, bool active) external;

    /// @notice Stop a panel; a role that may only do this can be given to whoever watches.
    function suspend(uint32 panel) external;

    /// @notice Keep a decision that all three signed, an approval or a denial; anybody may send it.
    function record(Decision calldata decision, Signatures calldata signatures) external;

    /// @notice Take back what was decided on a request for good, whether or not it is recorded; the bank's and the agency's
    /// account may, and governance. What was decided before it does not come back.
    function revoke(uint32 panel, bytes32 request) external;

    /// @notice The same by the bank's or the agency's signature over {revocationDigest}, whoever sends it.
    function revokeBySignature(uint32 panel, bytes32 request, bytes calldata signature) external;

    /// @notice Revert, with the cause, unless what a panel decided last on an applicant is an approval that counts now.
    /// @return modelHash the model that it was decided by: whether that is enough is the caller's to say
    function check(uint32 panel, address applicant) external view returns (bytes32 modelHash);

    /// @notice The same for whom a decision named private data of, and the panel that did so last.
    function checkBound(
        bytes32 dataCommitment
    ) external view returns (address applicant, uint32 panel, bytes32 modelHash);

    /// @notice What was decided on a request, as it was recorded.
    function decisionOf(uint32 panel, bytes32 request) external view returns (Recorded memory);

    /// @notice The request that a panel decided last on an applicant, zero for none.
    function newestOf(uint32 panel, address applicant) external view returns (bytes32 request);

    /// @notice Whose decision named a commitment last, and which panel's it was; zeros when none did.
    function boundTo(bytes32 dataCommitment) external view returns (address applicant, uint32 panel);

    /// @notice Since when a request's decision is taken back, Unix seconds; zero while it is not.
    function revokedAt(uint32 panel, bytes32 request) external view returns (uint40);

    function panelOf(uint32 panel) external view returns (Panel memory);

    /// @notice How many panels there are: they are numbered from 1 to this.
    function panelCount() external view returns (uint32);

    /// @notice The EIP-712 digest that the three sign.
    function decisionDigest(Decision calldata decision) external view returns (bytes32);

    /// @notice The EIP-712 digest of `Application(uint32 panel,address applicant,bytes32 request,bytes32 modelHash,bytes32
    /// dataCommitment)`: whatever is decided on this request by this model may be recorded.
    function applicationDigest(
        uint32 panel,
        address applicant,
        bytes32 request,
        bytes32 modelHash,
        bytes32 dataCommitment
    ) external view returns (bytes32);

    /// @notice The EIP-712 digest of `Revocation(uint32 panel,bytes32 request)`.
    function revocationDigest(uint32 panel, bytes32 request) external view returns (bytes32);
}
