// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {Field} from "../contracts/lib/Field.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @notice A wallet contract whose owner's signature counts as its own.
contract WalletContract is IERC1271 {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recoverCalldata(hash, signature) == _owner ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @notice What an account may delegate to: it calls, and answers no questions.
contract BatchCaller {
    function execute(address to, uint256 value, bytes calldata data) external payable {
        (bool ok, ) = to.call{value: value}(data);
        require(ok, "call");
    }
}

contract RequestsTest is OracleFixture {
    function test_request__when_the_fee_is_exact__then_it_is_pending_and_logged() public {
        vm.expectEmit();
        emit IAIRiskOracle.AssessmentRequested(
            1,
            borrower,
            borrower,
            _terms(),
            NEUTRAL,
            FEE,
            uint64(block.timestamp),
            uint64(block.timestamp) + REQUEST_LIFETIME,
            uint64(block.number)
        );
        (uint256 id, ) = _ask();
        equal(id, 1, "first id");
        check(oracle.stateOf(1) == IAIRiskOracle.RequestState.Pending, "pending");
        equal(oracle.requestCount(), 1, "count");
        (id, ) = _ask();
        equal(id, 2, "ids have no gap");
        equal(address(oracle).balance, 2 * FEE, "escrow");
    }

    function test_request__when_the_fee_differs__then_it_says_what_is_expected(uint96 sent) public {
        vm.assume(sent != FEE);
        vm.deal(address(this), sent);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.WrongFee.selector, sent, FEE));
        oracle.requestAssessment{value: sent}(_terms(), NEUTRAL);
    }

    function test_request__when_the_principal_is_zero__then_it_is_refused() public {
        IAIRiskOracle.LoanTerms memory terms = _terms();
        terms.principal = 0;
        vm.expectRevert(IAIRiskOracle.ZeroPrincipal.selector);
        oracle.requestAssessment{value: FEE}(terms, NEUTRAL);
    }

    function test_request__when_the_duration_is_zero__then_it_is_refused() public {
        IAIRiskOracle.LoanTerms memory terms = _terms();
        terms.duration = 0;
        vm.expectRevert(IAIRiskOracle.ZeroDuration.selector);
        oracle.requestAssessment{value: FEE}(terms, NEUTRAL);
    }

    function test_request__when_the_commitment_is_no_field_element__then_it_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NotAFieldElement.selector, Field.MODULUS));
        oracle.requestAssessment{value: FEE}(_terms(), bytes32(Field.MODULUS));
        oracle.requestAssessment{value: FEE}(_terms(), bytes32(Field.MODULUS - 1));
    }

    function test_request_for__when_the_borrower_consented__then_the_borrower_is_assessed() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _askFor();
        _answer(id, request, _lowOutputs());
        equal(oracle.riskScore(borrower), 8_007, "the borrower's score");
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NoAssessment.selector, address(this)));
        oracle.getAssessment(address(this));
    }

    function test_request_for__when_the_user_is_the_zero_address__then_it_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        vm.expectRevert(IAIRiskOracle.ZeroUser.selector);
        oracle.requestAssessmentFor{value: FEE}(address(0), _terms(), NEUTRAL, consent);
    }

    function test_consent__when_used_twice__then_the_second_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, borrower));
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
    }

    function test_consent__when_it_was_given_to_another_requester__then_it_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(0xBEEF), _terms(), NEUTRAL);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, borrower));
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
    }

    function test_consent__when_terms_data_or_user_differ__then_it_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        IAIRiskOracle.LoanTerms memory terms = _terms();
        terms.principal += 1;
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, borrower));
        oracle.requestAssessmentFor{value: FEE}(borrower, terms, NEUTRAL, consent);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, borrower));
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), bytes32(uint256(1)), consent);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, address(0xBAD)));
        oracle.requestAssessmentFor{value: FEE}(address(0xBAD), _terms(), NEUTRAL, consent);
    }

    function test_consent__when_its_time_is_over__then_it_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        vm.warp(uint256(consent.validUntil) + 1);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.ConsentExpired.selector, consent.validUntil));
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
        vm.warp(consent.validUntil);
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
    }

    function test_consent__when_its_validity_was_stretched__then_it_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        consent.validUntil += 1;
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, borrower));
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
    }

    function test_consent__when_the_borrower_is_a_contract_wallet__then_erc1271_counts() public {
        address wallet = address(new WalletContract(borrower));
        uint64 validUntil = uint64(block.timestamp + 1 hours);
        bytes32 digest = oracle.consentDigest(wallet, address(this), _terms(), NEUTRAL, validUntil);
        IAIRiskOracle.Consent memory wrong = IAIRiskOracle.Consent(validUntil, _signature(0xBAD, digest));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, wallet));
        oracle.requestAssessmentFor{value: FEE}(wallet, _terms(), NEUTRAL, wrong);
        IAIRiskOracle.Consent memory right = IAIRiskOracle.Consent(validUntil, _signature(BORROWER_KEY, digest));
        oracle.requestAssessmentFor{value: FEE}(wallet, _terms(), NEUTRAL, right);
    }

    /// @dev An account with a key that runs a batch caller's code, which knows nothing of ERC-1271 (EIP-7702).
    function test_consent__when_the_account_delegates__then_its_owners_key_counts() public {
        vm.etch(borrower, abi.encodePacked(hex"ef0100", address(new BatchCaller())));
        equal(borrower.code.length, 23, "delegates");
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
        consent = _consent(address(this), _terms(), NEUTRAL);
        consent.signature[40] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, borrower));
        oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
    }

    function test_consent__when_the_account_delegates_to_a_wallet__then_that_one_counts_too() public {
        address wallet = vm.addr(0x7702);
        vm.etch(wallet, address(new WalletContract(borrower)).code);
        uint64 validUntil = uint64(_time() + 1 hours);
        bytes32 digest = oracle.consentDigest(wallet, address(this), _terms(), NEUTRAL, validUntil);
        IAIRiskOracle.Consent memory byKey = IAIRiskOracle.Consent(validUntil, _signature(0x7702, digest));
        oracle.requestAssessmentFor{value: FEE}(wallet, _terms(), NEUTRAL, byKey);
        digest = oracle.consentDigest(wallet, address(this), _terms(), NEUTRAL, validUntil);
        IAIRiskOracle.Consent memory byCode = IAIRiskOracle.Consent(validUntil, _signature(BORROWER_KEY, digest));
        oracle.requestAssessmentFor{value: FEE}(wallet, _terms(), NEUTRAL, byCode);
    }

    /// @dev A wallet that is not deployed yet has nobody to ask: its signature (ERC-6492) counts for nothing.
    function test_consent__when_the_wallet_is_counterfactual__then_it_is_refused() public {
        address wallet = address(0x6492);
        uint64 validUntil = uint64(_time() + 1 hours);
        bytes32 digest = oracle.consentDigest(wallet, address(this), _terms(), NEUTRAL, validUntil);
        bytes memory wrapped = abi.encodePacked(
            abi.encode(address(this), "", _signature(BORROWER_KEY, digest)),
            bytes32(0x6492649264926492649264926492649264926492649264926492649264926492)
        );
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, wallet));
        oracle.requestAssessmentFor{value: FEE}(wallet, _terms(), NEUTRAL, IAIRiskOracle.Consent(validUntil, wrapped));
    }

    function test_nonces__when_a_consent_is_used__then_the_wallets_counts_up() public {
        for (uint256 i = 0; i < 8; ++i) {
            equal(oracle.nonces(borrower), i, "used");
            _askFor();
            _ask();
        }
    }

    /// @dev A ring of five: written where the request is, so that its answer fills no slot.
    function test_recent__when_a_wallet_asks_again_and_again__then_the_last_five_are_kept() public {
        for (uint256 i = 1; i <= 8; ++i) {
            (uint256 id, ) = i % 2 == 0 ? _ask() : _askFor();
            equal(id, i, "id");
            uint256[5] memory recent = oracle.recentRequests(borrower);
            for (uint256 age = 0; age < 5; ++age) equal(recent[age], i > age ? i - age : 0, "newest first");
        }
        equal(oracle.recentRequests(address(this))[0], 0, "nobody else's");
    }

    function test_latest__when_five_newer_requests_have_no_answer__then_there_is_none() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _answer(id, request, _lowOutputs());
        for (uint256 i = 0; i < 4; ++i) _ask();
        equal(oracle.riskScore(borrower), 8_007, "four of them hide nothing");
        _ask();
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NoAssessment.selector, borrower));
        oracle.riskScore(borrower);
        check(!oracle.isFresh(borrower, type(uint256).max), "nor a fresh one");
        equal(oracle.assessmentOf(id).score, 8_007, "by request it stays");
    }

    function test_neutral__when_the_primary_changes__then_its_commitment_is_given() public {
        equal(oracle.neutralCommitment(), NEUTRAL, "as the word that a request takes");
        IModelRegistry.ModelSpec memory spec = _spec(address(verifier));
        spec.neutralCommitment = 7;
        _activate("second", spec);
        equal(oracle.neutralCommitment(), bytes32(uint256(7)), "the new primary's");
    }

    function test_domain__when_read__then_it_is_what_is_signed() public view {
        (, string memory name, string memory version, uint256 chain, address at, , ) = oracle.eip712Domain();
        equal(keccak256(bytes(name)), keccak256("AIRiskOracle"), "name");
        equal(keccak256(bytes(version)), keccak256("1"), "version");
        equal(chain, block.chainid, "chain");
        equal(at, address(oracle), "contract");
    }

    function test_pause__when_paused__then_only_new_requests_stop() public {
        (uint256 answered, IAIRiskOracle.Request memory first) = _ask();
        (uint256 declined, IAIRiskOracle.Request memory second) = _ask();
        (uint256 cancelled, IAIRiskOracle.Request memory third) = _ask();
        oracle.pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        oracle.requestAssessment{value: FEE}(_terms(), NEUTRAL);
        _answer(answered, first, _lowOutputs());
        _decline(declined, second, 5);
        vm.warp(uint256(third.deadline) + 1);
        oracle.cancelRequest(third, cancelled);
        oracle.withdrawFees();
        vm.prank(borrower);
        oracle.withdrawRefund(borrower);
        equal(address(oracle).balance, 0, "all money is out");
        oracle.unpause();
        _ask();
    }

    function test_pause__when_the_caller_has_no_role__then_it_is_refused() public {
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, borrower));
        oracle.pause();
        oracle.pause();
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, borrower));
        oracle.unpause();
    }
}
