// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./Built.sol";
import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {IIssuerRegistry} from "../../contracts/interfaces/IIssuerRegistry.sol";
import {ILendingDesk} from "../../contracts/interfaces/ILendingDesk.sol";
import {LoanBook} from "../../contracts/lending/LoanBook.sol";
import {SmartLending} from "../../contracts/lending/SmartLending.sol";
import {TokenLender} from "../../contracts/lending/TokenLender.sol";
import {IssuerFixture} from "./IssuerFixture.sol";
import {anyOrder, openPolicy} from "./Loans.sol";
import {ProofFixture} from "./ProofFixture.sol";
import {DollarToken, SettableFeed} from "./Tokens.sol";

/// @notice Both lenders, funded, and a borrower at either; answers by listed proofs, or by the real ones.
abstract contract DeskFixture is ProofFixture, IssuerFixture {
    uint128 internal constant COLLATERAL = 2 ether;
    uint32 internal constant DURATION = 30 days;
    uint256 internal constant DOLLARS = 1e6;

    SmartLending internal pool;
    TokenLender internal lender;
    DollarToken internal token;
    SettableFeed internal feed;

    function setUp() public virtual override {
        super.setUp();
        token = new DollarToken();
        feed = new SettableFeed(2_000e8, 8);
        _foundIssuers(manager);
        pool = Built.smartLending(address(manager), oracle, accepted, openPolicy());
        lender = Built.tokenLender(
            address(manager),
            oracle,
            accepted,
            openPolicy(),
            token,
            feed,
            8_000,
            type(uint32).max
        );
        vm.deal(address(this), 1_000 ether);
        token.mint(address(this), 1_000_000 * DOLLARS);
        token.approve(address(lender), type(uint256).max);
        pool.fund{value: 50 ether}(0);
        lender.fund(100_000 * DOLLARS, address(this), 0);
    }

    function _setPolicy(ILendingDesk.Policy memory policy) internal {
        pool.setPolicy(policy);
        lender.setPolicy(policy);
    }

    /// @dev Both lenders, for what must be the same in both.
    function _desks() internal view returns (ILendingDesk[2] memory) {
        return [ILendingDesk(pool), ILendingDesk(lender)];
    }

    function _book(ILendingDesk desk) internal pure returns (LoanBook) {
        return LoanBook(payable(address(desk)));
    }

    /// @dev Half of the collateral's value, whatever is lent.
    function _order(ILendingDesk desk) internal view returns (ILendingDesk.Order memory) {
        return anyOrder(address(desk) == address(pool) ? 1 ether : 2_000e6, COLLATERAL, DURATION);
    }

    // ---------------------------------------------------------- applications

    /// @dev The signed call of a borrower; {_applied} sends it.
    function _request(
        ILendingDesk desk,
        ILendingDesk.Order memory order,
        bytes32 commitment
    ) internal view returns (IAIRiskOracle.Consent memory consent, IAIRiskOracle.Request memory request) {
        IAIRiskOracle.LoanTerms memory terms = desk.judgedTerms(order);
        consent = _consent(address(desk), terms, commitment);
        request = _logged(borrower, address(desk), terms);
        request.dataCommitment = commitment;
    }

    /// @dev With private data that an issuer vouches for.
    function _applyWith(
        ILendingDesk desk,
        ILendingDesk.Order memory order,
        bytes32 commitment,
        IIssuerRegistry.Attestation memory attestation
    ) internal returns (uint256 loanId, IAIRiskOracle.Request memory request) {
        IAIRiskOracle.Consent memory consent;
        (consent, request) = _request(desk, order, commitment);
        vm.deal(borrower, 1_000 ether);
        vm.prank(borrower);
        loanId = desk.requestLoan{value: uint256(order.collateral) + FEE}(order, commitment, consent, attestation);
    }

    function _applyVouched(ILendingDesk desk) internal returns (uint256 loanId, IAIRiskOracle.Request memory request) {
        return _applyWith(desk, _order(desk), DATA, _attestation(bank, borrower, DATA));
    }

    /// @dev Without private data. The real model is the primary here: its neutral commitment counts.
    function _apply(
        ILendingDesk desk,
        ILendingDesk.Order memory order
    ) internal returns (uint256 loanId, IAIRiskOracle.Request memory request) {
        bytes32 neutral = oracle.neutralCommitment();
        IAIRiskOracle.Consent memory consent;
        (consent, request) = _request(desk, order, neutral);
        vm.deal(borrower, 1_000 ether);
        vm.prank(borrower);
        loanId = desk.requestLoan{value: uint256(order.collateral) + FEE}(order, neutral, consent);
    }

    function _apply(ILendingDesk desk) internal returns (uint256 loanId, IAIRiskOracle.Request memory request) {
        return _apply(desk, _order(desk));
    }

    function _answered(
        ILendingDesk desk,
        ILendingDesk.Order memory order,
        int256[] memory outputs
    ) internal returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _apply(desk, order);
        _answer(desk.loan(loanId).requestId, request, outputs);
    }

    function _answered(ILendingDesk desk, int256[] memory outputs) internal returns (uint256 loanId) {
        return _answered(desk, _order(desk), outputs);
    }

    /// @dev Answered with one of the real proofs, by the generated verifier.
    function _proven(ILendingDesk desk, string memory name) internal returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _apply(desk);
        Case memory c = _case(name);
        IAIRiskOracle.Report memory report = _report(desk.loan(loanId).requestId, c.outputs);
        (report.modelId, report.featureCommitment) = (realModel, c.instances[0]);
        _provide(request, report, c.proof);
    }

    function _active(ILendingDesk desk) internal returns (uint256 loanId) {
        loanId = _answered(desk, _lowOutputs());
        desk.settle(loanId);
    }

    function _declined(ILendingDesk desk, IAIRiskOracle.DeclineReason reason) internal returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _apply(desk);
        _decline(desk.loan(loanId).requestId, request, uint8(reason));
    }

    /// @dev The oracle gives no answer in time.
    function _expired(ILendingDesk desk) internal returns (uint256 loanId) {
        (loanId, ) = _apply(desk);
        vm.warp(uint256(desk.loan(loanId).answerBy) + 1);
    }

    function _takePlain(ILendingDesk desk, uint256 loanId) internal {
        vm.prank(borrower);
        desk.takePlainTerms(loanId);
    }

    function _plainRefused(ILendingDesk desk, uint256 loanId, bytes4 why) internal {
        vm.prank(borrower);
        vm.expectPartialRevert(why);
        desk.takePlainTerms(loanId);
    }

    function _state(ILendingDesk desk, uint256 loanId, ILendingDesk.LoanState expected) internal view {
        equal(uint256(desk.loan(loanId).state), uint256(expected), "loan state");
    }
}
