// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "./IAIRiskOracle.sol";

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

    /// @notice The pool's policy: basis points (10,000 = 100 %) and seconds.
    /// @param minimumScore a low-risk loan is approved from this score on
    /// @param fraudLimit and below this fraud likelihood
    /// @param minimumConfidence and from this confidence on; below it the wallet is thin (0: however little is known of it)
    /// @param maximumLtv cap on the model's maximum loan to value
    /// @param maximumInterestRate cap on the model's rate, a year
    /// @param plainInterestRate the rate, a year, of a loan that no answer speaks about
    /// @param maximumDuration cap on the model's duration
    /// @param gracePeriod time between maturity and liquidation, of loans from now on
    struct Policy {
        uint16 minimumScore;
        uint16 fraudLimit;
        uint16 minimumConfidence;
        uint16 maximumLtv;
        uint16 maximumInterestRate;
        uint16 plainInterestRate;
        uint32 maximumDuration;
        uint24 gracePeriod;
    }

    /// @notice A loan; amounts in the tokens' smallest units, times in Unix seconds.
    /// @param duration asked for; once active, granted (seconds)
    /// @param principal asked for; once active, paid out
    /// @param answerBy the oracle's deadline
    /// @param interestRate basis points a year
    /// @param gracePeriod between maturity and liquidation, as the policy was when the loan was paid out
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
    }

    event LoanRequested(
        uint256 indexed loanId,
        address indexed borrower,
        uint256 requestId,
        uint256 principal,
        uint256 collateral,
        uint256 duration
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

    /// @notice Ask for a loan. Send the oracle's fee plus the collateral; the collateral is what exceeds the fee.
    /// @param principal in the lent token's smallest unit
    /// @param duration seconds
    /// @param dataCommitment commitment of your private data, or the model's neutral commitment
    /// @param consent your signature over {IAIRiskOracle-consentDigest} with this contract as the requester
    function requestLoan(
        uint128 principal,
        uint32 duration,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent
    ) external payable returns (uint256 loanId);

    /// @notice Decide a requested loan by the oracle's answer; anyone may call.
    function settle(uint256 loanId) external;

    /// @notice The borrower's way on when no answer came, or it went stale: 150 % over-collateralised terms, or more where
    /// the policy's maximum loan to value asks for more.
    function takePlainTerms(uint256 loanId) external;

    /// @notice The borrower takes the collateral back, any time before the loan is paid out.
    function withdrawApplication(uint256 loanId) external;

    /// @notice Fetch the oracle's fee back for the borrower of a loan whose request was declined or cancelled.
    function reclaimFee(uint256 loanId) external;

    /// @notice The review role grants what {settle} left to it (medium risk, or a score, fraud likelihood or confidence
    /// outside the policy), within the same caps as any other loan.
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

    function oracle() external view returns (IAIRiskOracle);
}
