// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IModelRegistry} from "./IModelRegistry.sol";

/// @title A credit-risk oracle whose answers are proven
/// @notice Ask with {requestAssessment} (about yourself) or {requestAssessmentFor} (about a consenting borrower), pay
/// exactly {fee}, and read {assessmentOf} when {stateOf} says Answered. Unanswered requests get their fee back.
interface IAIRiskOracle {
    enum RequestState {
        None,
        Pending,
        Answered,
        Declined,
        Cancelled
    }

    enum DeclineReason {
        None,
        HistoryUnavailable,
        UnsupportedAsset,
        PrivateDataNotOpened,
        ModelNotApplicable,
        OperatorPolicy
    }

    /// @param principalToken token that is lent, address(0) for the chain's native coin
    /// @param principal amount in the token's smallest unit, above zero
    /// @param collateralToken token that is pledged, address(0) for the chain's native coin
    /// @param collateral amount in the token's smallest unit, zero for an unsecured loan
    /// @param duration seconds, above zero
    struct LoanTerms {
        address principalToken;
        uint128 principal;
        address collateralToken;
        uint128 collateral;
        uint32 duration;
    }

    /// @notice A request as it was logged; the contract keeps only its hash, whoever acts on it hands it in again.
    /// @param user the assessed wallet
    /// @param requester who asked and paid; refunds go there
    /// @param dataCommitment Poseidon commitment of the private tensor (or the model's neutral commitment)
    /// @param fee wei
    /// @param requestedAt Unix seconds
    /// @param deadline Unix seconds; the last second in which an answer is accepted
    /// @param blockNumber the block in which it was asked, and at which the wallet's history is read
    struct Request {
        address user;
        address requester;
        LoanTerms terms;
        bytes32 dataCommitment;
        uint96 fee;
        uint64 requestedAt;
        uint64 deadline;
        uint64 blockNumber;
    }

    /// @notice What the signers vouch for and the proof shows.
    /// @param blockNumber block at which the history was read, the request's, with its hash
    /// @param featureCommitment Poseidon commitment of the on-chain features, a field element
    /// @param outputs the circuit's ten signed fixed-point outputs
    struct Report {
        uint256 requestId;
        bytes32 modelId;
        uint64 blockNumber;
        bytes32 blockHash;
        uint256 featureCommitment;
        int256[] outputs;
    }

    /// @notice The borrower's EIP-712 (or ERC-1271) signature over {consentDigest}. The key of an account counts, whatever
    /// code it delegates to (EIP-7702); a contract wallet must be deployed (no ERC-6492).
    /// @param validUntil Unix seconds; the last second in which it counts
    struct Consent {
        uint64 validUntil;
        bytes signature;
    }

    /// @notice An answer; basis points (10,000 = 100 %) except `durationDays`, times in Unix seconds.
    /// @param category 0 low, 1 medium, 2 high risk
    /// @param score higher is safer
    /// @param interestRate a year
    /// @param blockNumber block at which the history was read
    /// @param modelIndex the registry's small number of the model
    /// @param privateData whether private data went into it: the oracle cannot know who vouches for them, whoever reads it must
    struct Assessment {
        uint8 category;
        uint16 score;
        uint16 probabilityOfDefault;
        uint16 fraudLikelihood;
        uint16 interestRate;
        uint16 durationDays;
        uint16 maximumLtv;
        uint16 confidence;
        uint40 issuedAt;
        uint40 expiresAt;
        uint40 blockNumber;
        uint16 modelIndex;
        bool privateData;
    }

    /// @notice One of many answers, for {provideAssessments}.
    struct Answer {
        Request request;
        Report report;
        bytes[] signatures;
        bytes proof;
    }

    /// @notice What the signers vouch for and one proof shows of several requests without private data.
    /// @param modelId a model with an open statement
    /// @param requestIds of the requests, in the order of the proof's rows; at most the model's batch size
    /// @param blockHashes of each request's block
    /// @param words the proof's public words, field elements: two for each row's 32 features, 15 bits a feature, the first
    /// lowest; behind all of those each row's ten outputs, in ten words or packed in one
    struct Batch {
        bytes32 modelId;
        uint256[] requestIds;
        bytes32[] blockHashes;
        uint256[] words;
    }

    event AssessmentRequested(
        uint256 indexed requestId,
        address indexed user,
        address indexed requester,
        LoanTerms terms,
        bytes32 dataCommitment,
        uint96 fee,
        uint64 requestedAt,
        uint64 deadline,
        uint64 blockNumber
    );
    event AssessmentProvided(
        uint256 indexed requestId,
        address indexed user,
        bytes32 indexed modelId,
        Assessment assessment
    );
    event AssessmentDeclined(uint256 indexed requestId, address indexed user, uint8 reason);
    event RequestCancelled(uint256 indexed requestId);
    event FeesWithdrawn(address indexed payee, uint256 amountWei);
    event RefundWithdrawn(address indexed requester, address indexed to, uint256 amountWei);
    event RequestSkipped(uint256 indexed requestId, RequestState state);
    event FeesChanged(uint96 feeWei, uint96 callbackGasPriceWei);
    event FeeBoundsChanged(uint96 minimumWei, uint96 maximumWei);
    event CallbackFailed(uint256 indexed requestId, address indexed receiver);
    event PayeeChanged(address payee);
    event LifetimesChanged(uint32 requestLifetimeSeconds, uint32 assessmentLifetimeSeconds);

    error WrongFee(uint256 sentWei, uint256 expectedWei);
    error ZeroUser();
    error ZeroPrincipal();
    error ZeroDuration();
    error NotAFieldElement(uint256 value);
    error ConsentExpired(uint64 validUntil);
    error InvalidConsent(address user);
    error RequestNotPending(uint256 requestId, RequestState state);
    error RequestMismatch(uint256 requestId);
    error RequestExpired(uint256 requestId, uint64 deadline);
    error RequestNotExpired(uint256 requestId, uint64 deadline);
    error WrongOutputCount(uint256 count, uint256 expected);
    error OutputOutOfRange(uint256 index, int256 value);
    error BlockMismatch(uint64 reported, uint64 requested);
    error BlockHashMismatch(uint64 blockNumber, bytes32 reported, bytes32 actual);
    error InvalidProof(bytes32 modelId);
    error WrongStatement(bytes32 modelId);
    error WrongBatchLength(uint256 requests, uint256 batchSize);
    error PrivateDataAsked(uint256 requestId);
    error UnknownDeclineReason(uint8 reason);
    error NoAssessment(address user);
    error AssessmentExpired(address user, uint40 expiresAt);
    error NotAnswered(uint256 requestId, RequestState state);
    error NothingToWithdraw();
    error ZeroReceiver();
    error TooLittleGas(uint256 left, uint256 needed);
    error CallbackGasOutOfRange(uint256 gas, uint256 maximum);
    error NothingToAnswer();
    error FeeIsFixed();
    error FeeChangedLately(uint256 nextAt);
    error InvalidSetting(string name, uint256 value);

    /// @notice Ask about yourself; send exactly {fee}.
    function requestAssessment(
        LoanTerms calldata terms,
        bytes32 dataCommitment
    ) external payable returns (uint256 requestId);

    /// @notice Ask about a borrower who consented to exactly these terms and this data; send exactly {fee}.
    function requestAssessmentFor(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent
    ) external payable returns (uint256 requestId);

    /// @notice Like {requestAssessmentFor}, and the caller's {IAssessmentReceiver-onAssessment} is called with the answer;
    /// send exactly {fee} + {callbackFee}.
    /// @param callbackGas what the call may burn, at most {MAXIMUM_CALLBACK_GAS}
    function requestAssessmentWithCallback(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent,
        uint24 callbackGas
    ) external payable returns (uint256 requestId);

    /// @notice Answer a pending request: checks the signatures and the proof, and stores what the proof says.
    /// @param signatures exactly {threshold}, of registered signers, by ascending signer address
    function provideAssessment(
        Request calldata request,
        Report calldata report,
        bytes[] calldata signatures,
        bytes calldata proof
    ) external;

    /// @notice Answer many requests; each is checked as if it came alone. One that meanwhile ended or expired is skipped
    /// ({RequestSkipped}), one that is wrong refuses all; all are looked at before the first is checked.
    /// @dev A receiver that burns little gas in an estimate and much in the block must not fail the others for want of gas:
    /// send the request's callback gas above the estimate for each; what is not burnt comes back.
    /// @return answered how many were answered, at least one
    function provideAssessments(Answer[] calldata answers) external returns (uint256 answered);

    /// @notice Answer several requests without private data with one proof, whose public words are their features and their
    /// outputs. One that meanwhile ended or expired is skipped ({RequestSkipped}), one that is wrong refuses all.
    /// @param requests in the order of `batch.requestIds`
    /// @param signatures exactly {threshold}, of registered signers, by ascending signer address, over the EIP-712 digest of
    /// Batch(bytes32 modelId,bytes32 answersHash,bytes32 wordsHash,bytes32 signerSetDigest): answersHash is keccak256 of
    /// (request id, keccak256(abi.encode(request)), block hash) of each, wordsHash that of the words
    /// @return answered how many were answered, at least one
    function provideBatch(
        Request[] calldata requests,
        Batch calldata batch,
        bytes[] calldata signatures,
        bytes calldata proof
    ) external returns (uint256 answered);

    /// @notice Say that a request gets no answer, and credit its fee to the requester; of what the requester caused
    /// (UnsupportedAsset, PrivateDataNotOpened, OperatorPolicy) a tenth is kept, for the decline's cost.
    /// @param reason a {DeclineReason} other than None
    function declineAssessment(
        Request calldata request,
        uint256 requestId,
        uint8 reason,
        bytes[] calldata signatures
    ) external;

    /// @notice After the deadline, anyone: end a pending request and credit its fee to the requester.
    function cancelRequest(Request calldata request, uint256 requestId) external;

    /// @notice Send the earned fees to the payee.
    function withdrawFees() external;

    /// @notice Send the caller's refunds.
    /// @param to the caller, or whom else a caller that cannot take ether names
    function withdrawRefund(address to) external;

    /// @notice The answer to the wallet's newest answered request without private data among its last five, expired or not;
    /// reverts without one. An answer from private data is read by its request, by who knows that somebody vouched for them.
    function getAssessment(address user) external view returns (Assessment memory);

    /// @notice The answer to one request; reverts unless it is answered.
    function assessmentOf(uint256 requestId) external view returns (Assessment memory);

    function stateOf(uint256 requestId) external view returns (RequestState);

    /// @notice Why a request was declined, and when (Unix seconds); None and zero when it was not.
    function declineOf(uint256 requestId) external view returns (DeclineReason reason, uint40 declinedAt);

    /// @notice What goes back to the requester of a request that paid this fee, when it ends without an answer.
    /// @param reason why it was declined, None when it was cancelled
    function refundFor(uint96 feeWei, DeclineReason reason) external pure returns (uint256 amountWei);

    /// @notice A wallet's last five requests, whoever asked, newest first; zero where there are fewer.
    function recentRequests(address user) external view returns (uint256[5] memory requestIds);

    /// @notice True when the wallet has an unexpired answer of that kind issued at most `maxAge` seconds ago.
    function isFresh(address user, uint256 maxAge) external view returns (bool);

    /// @notice 0 low, 1 medium, 2 high. This and the five getters below revert without an unexpired answer.
    function riskCategory(address user) external view returns (uint8);

    function riskScore(address user) external view returns (uint16 scoreBps);

    function defaultProb(address user) external view returns (uint16 probabilityBps);

    function fraudLikelihood(address user) external view returns (uint16 likelihoodBps);

    function recommendedTerms(
        address user
    ) external view returns (uint16 interestRateBps, uint16 durationDays, uint16 maximumLtvBps);

    function confidence(address user) external view returns (uint16 confidenceBps);

    /// @notice What a request costs, wei.
    function fee() external view returns (uint96);

    /// @notice What a callback of this much gas costs on top of {fee}, wei.
    function callbackFee(uint24 callbackGas) external view returns (uint256);

    /// @notice The most gas that a callback may ask for.
    function MAXIMUM_CALLBACK_GAS() external view returns (uint24);

    function registry() external view returns (IModelRegistry);

    /// @notice The data commitment of a request without private data, of the primary model.
    function neutralCommitment() external view returns (bytes32);

    /// @notice How often a wallet's consent was used: the next one is signed with this number.
    function nonces(address user) external view returns (uint256);

    /// @notice The domain of everything that is signed, as EIP-5267 has it.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        );

    /// @notice Seconds that a new request may wait, and that a new answer counts.
    function lifetimes() external view returns (uint32 requestLifetimeSeconds, uint32 assessmentLifetimeSeconds);

    /// @notice Refunds that an account may withdraw, wei.
    function refundOf(address account) external view returns (uint256);

    /// @notice The number of requests so far; ids run from 1 to this without a gap.
    function requestCount() external view returns (uint256);

    /// @notice The EIP-712 digest that signers sign for an answer.
    function reportDigest(Request calldata request, Report calldata report) external view returns (bytes32);

    /// @notice The EIP-712 digest that signers sign for a batch; as many request ids and block hashes as requests.
    function batchDigest(Request[] calldata requests, Batch calldata batch) external view returns (bytes32);

    /// @notice The EIP-712 digest that signers sign for a decline.
    function declineDigest(Request calldata request, uint256 requestId, uint8 reason) external view returns (bytes32);

    /// @notice The EIP-712 digest that a borrower signs to let `requester` ask about them, at the borrower's current nonce.
    function consentDigest(
        address user,
        address requester,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        uint64 validUntil
    ) external view returns (bytes32);
}
