// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IAIRiskOracle} from "./IAIRiskOracle.sol";
import {IAcceptedIssuers} from "./IAcceptedIssuers.sol";
import {IIssuerRegistry} from "./IIssuerRegistry.sol";

/// @title What every lender of this project offers a borrower
interface ILendingDesk {
    enum LoanState {
        None,
        Requested,
        Review,
        Active,
        Refused,
        Repaid,
        Defaulted,
        Withdrawn
    }

    /// @notice The pool's policy: basis points (10,000 = 100 %), seconds, and the lent token's smallest unit.
    /// @param minimumScore a low-risk loan is approved from this score on
    /// @param fraudLimit and below this fraud likelihood
    /// @param minimumConfidence and from this confidence on; below it the wallet is thin (0: however little is known of it)
    /// @param maximumLtv cap on the model's maximum loan to value
    /// @param maximumInterestRate cap on the model's rate, a year
    /// @param plainInterestRate the rate, a year, of a loan that no answer speaks about; no lower than any other
    /// @param maximumDuration cap on the model's duration
    /// @param gracePeriod time between maturity and liquidation, of loans from now on; a quarter of the loan's duration at most
    /// @param plainLtv cap on the loan to value of plain terms; whoever is granted less by an answer is refused
    /// @param plainDuration cap on the duration of plain terms; whoever is granted less by an answer is refused
    /// @param minimumDuration of a loan, asked and granted
    /// @param passportRequired whether a loan is asked for with private data that an accepted issuer vouches for, or not at all
    /// @param minimumPrincipal of a loan, asked and granted: too small a loan is worth nobody's liquidation
    /// @param borrowerLimit the most principal that one wallet may owe here
    /// @param maximumUtilisation the most of the lenders' money that may be lent out
    /// @param lateInterestRate what is added to a loan's rate, a year, from its maturity on
    /// @param maximumAnswerAge an answer approves a loan this long at most
    /// @param refusalCooldown how long a refusal, a review or a decline for the wallet's own doing keeps a wallet from
    /// plain terms
    /// @param primaryOnly whether only answers of the registry's primary model approve
    /// @param plainTermsForAll whether plain terms are open to those, too, whom the oracle or this desk refused
    struct Policy {
        uint16 minimumScore;
        uint16 fraudLimit;
        uint16 minimumConfidence;
        uint16 maximumLtv;
        uint16 maximumInterestRate;
        uint16 plainInterestRate;
        uint32 maximumDuration;
        uint24 gracePeriod;
        uint16 plainLtv;
        uint32 plainDuration;
        uint32 minimumDuration;
        bool passportRequired;
        uint128 minimumPrincipal;
        uint128 borrowerLimit;
        uint16 maximumUtilisation;
        uint16 lateInterestRate;
        uint32 maximumAnswerAge;
        uint32 refusalCooldown;
        bool primaryOnly;
        bool plainTermsForAll;
    }

    /// @notice What a borrower asks for, and the least that binds them; amounts in the tokens' smallest units.
    /// @param principal of the loan
    /// @param collateral wei
    /// @param duration seconds
    /// @param minimumPrincipal less is not paid out
    /// @param minimumDuration a shorter loan is not paid out, seconds
    /// @param maximumRate a dearer loan is not paid out, basis points a year
    struct Order {
        uint128 principal;
        uint128 collateral;
        uint32 duration;
        uint128 minimumPrincipal;
        uint32 minimumDuration;
        uint16 maximumRate;
    }

    /// @notice A loan; amounts in the tokens' smallest units, times in Unix seconds.
    /// @param duration asked for; once active, granted (seconds)
    /// @param principal asked for; once active, paid out
    /// @param answerBy the oracle's deadline
    /// @param interestRate basis points a year
    /// @param gracePeriod between maturity and liquidation, as the policy was when the loan was paid out
    /// @param minimumPrincipal the borrower's limits for what a decision may grant, with the two after it
    /// @param lateInterestRate basis points a year, on top from maturity on
    /// @param neutral whether it was asked without private data
    /// @param vouched who vouches for its private data, for which schema: a number of {acceptedIssuers}; zero without
    /// @param vouchedUntil the last second in which that counts, zero without
    /// @param collateralValue of the collateral when it was asked for, in the lent token; zero where that is no other
    struct Loan {
        address borrower;
        LoanState state;
        bool feeReclaimed;
        uint40 startedAt;
        uint40 dueAt;
        uint128 principal;
        uint128 collateral;
        uint48 requestId;
        uint40 answerBy;
        uint32 duration;
        uint16 interestRate;
        uint96 fee;
        uint24 gracePeriod;
        uint128 minimumPrincipal;
        uint32 minimumDuration;
        uint16 maximumRate;
        uint16 lateInterestRate;
        bool neutral;
        uint16 vouched;
        uint40 vouchedUntil;
        uint128 collateralValue;
    }

    event LoanRequested(
        uint256 indexed loanId,
        address indexed borrower,
        uint256 requestId,
        uint256 principal,
        uint256 collateral,
        uint256 duration
    );
    event PrivateDataVouched(
        uint256 indexed loanId,
        bytes32 indexed issuer,
        bytes32 indexed schema,
        bytes32 dataCommitment,
        uint64 validUntil
    );
    event LoanApproved(
        uint256 indexed loanId,
        address indexed borrower,
        uint256 principal,
        uint256 interestRate,
        uint256 dueAt
    );
    event LoanSentToReview(uint256 indexed loanId, address indexed borrower);
    event LoanRefused(uint256 indexed loanId, address indexed borrower);
    event LoanWithdrawn(uint256 indexed loanId, address indexed borrower);
    event LoanRepaid(uint256 indexed loanId, address indexed borrower, uint256 amount, bool late);
    event LoanDefaulted(uint256 indexed loanId, address indexed borrower, uint256 owed, uint256 recovered);
    event PolicyChanged(Policy policy);
    event Credited(address indexed account, uint256 amountWei);
    event Claimed(address indexed account, address indexed to, uint256 amountWei);

    error LoanInState(uint256 loanId, LoanState state);
    error NotTheBorrower(uint256 loanId, address caller);
    error AnswerStale(uint256 loanId, uint40 expiredAt);
    error AnswerStands(uint256 loanId);
    error AnswerPending(uint256 loanId, uint40 answerBy);
    error ReviewStands(uint256 loanId);
    error NotTheOraclesFault(uint256 loanId, IAIRiskOracle.DeclineReason reason);
    error RefusalStands(address borrower);
    error ModelNotTrusted(uint256 loanId, uint16 modelIndex);
    error OutsideBorrowersLimits(uint256 loanId, uint256 principal, uint256 rateBps, uint256 duration);
    error NobodyVouches(bytes32 dataCommitment);
    error NothingToVouchFor(bytes32 dataCommitment);
    error PassportRequired();
    error PrivateDataStale(uint256 loanId, uint40 validUntil);
    error BelowMinimum(string name, uint256 value, uint256 minimum);
    error BorrowerLimitExceeded(address borrower, uint256 wouldOwe, uint256 limit);
    error UtilisationExceeded(uint256 wouldBeLent, uint256 limit);
    error WrongValue(uint256 sentWei, uint256 expectedWei);
    error TooFewShares(uint256 shares, uint256 minimum);
    error TooLittleForShares(uint256 amount, uint256 minimum);
    error LoansOutstanding(uint256 principal);
    error FeeNotRefundable(uint256 loanId);
    error LiquidationTooEarly(uint256 loanId, uint256 from);
    error InsufficientLiquidity(uint256 needed, uint256 available);
    error PaymentTooSmall(uint256 sent, uint256 needed);
    error NoCollateral();
    error NothingToClaim();
    error ZeroReceiver();
    error ZeroShares();
    error InvalidPolicy(string name, uint256 value);
    error UnexpectedPayment(address sender);

    /// @notice Ask for a loan without private data; send exactly the collateral plus the oracle's fee.
    /// @param dataCommitment {IAIRiskOracle-neutralCommitment}: no other is taken, for nobody vouches for it
    /// @param consent your signature over {IAIRiskOracle-consentDigest} with this contract as the requester, and
    /// {judgedTerms} as the terms
    function requestLoan(
        Order calldata order,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent
    ) external payable returns (uint256 loanId);

    /// @notice Ask for a loan with private data, for which an accepted issuer vouches; send exactly the collateral plus the
    /// oracle's fee. Whether it still vouches is looked at again before a loan is approved.
    /// @param dataCommitment commitment of your private data
    /// @param consent as for a loan without, over this commitment
    /// @param attestation of an issuer that {acceptedIssuers} accepts: that this commitment is yours
    function requestLoan(
        Order calldata order,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent,
        IIssuerRegistry.Attestation calldata attestation
    ) external payable returns (uint256 loanId);

    /// @notice The terms that the oracle is asked about: the loan with its grace period, for it may be kept that long.
    function judgedTerms(Order calldata order) external view returns (IAIRiskOracle.LoanTerms memory);

    /// @notice Decide a requested loan by the oracle's answer; anyone may call. An answer that approves does so while it is
    /// fresh; one that refuses, or asks for a review, does so however old it is.
    function settle(uint256 loanId) external;

    /// @notice The borrower's way on when the oracle failed: no answer by the deadline, or a decline that is not the
    /// wallet's doing. Terms no better than anybody's; not for a wallet that was refused lately, here or by an answer.
    function takePlainTerms(uint256 loanId) external;

    /// @notice The borrower takes the collateral back, any time before the loan is paid out.
    function withdrawApplication(uint256 loanId) external;

    /// @notice Fetch the oracle's fee back for the borrower of a loan whose request was declined or cancelled.
    function reclaimFee(uint256 loanId) external;

    /// @notice The review role grants what {settle} left to it (medium risk, or a score, fraud likelihood or confidence
    /// outside the policy), within the same caps as any other loan, and without a limit of time.
    function approveReviewed(uint256 loanId) external;

    /// @notice The review role refuses; the collateral can be claimed.
    function refuseReviewed(uint256 loanId) external;

    /// @notice Send what is credited to the caller: returned collateral, returned fees.
    /// @param to the caller, or whom else a caller that cannot take ether names
    function claim(address to) external;

    /// @notice Principal and interest due now; interest is simple, rounded up, and runs until repayment.
    function owed(uint256 loanId) external view returns (uint256);

    function loan(uint256 loanId) external view returns (Loan memory);

    function loanCount() external view returns (uint256);

    /// @notice The commitment of a loan's private data, zero for a loan without.
    function commitmentOf(uint256 loanId) external view returns (bytes32);

    /// @notice Whose word about private data is taken; zero where no private data are.
    function acceptedIssuers() external view returns (IAcceptedIssuers);

    /// @notice Principal that a wallet owes here.
    function outstandingOf(address borrower) external view returns (uint256);

    /// @notice Whether a refusal, a review or a decline keeps a wallet from plain terms now.
    function isBound(address borrower) external view returns (bool);

    function oracle() external view returns (IAIRiskOracle);
}
