// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {Field} from "../contracts/lib/Field.sol";
import {BatchFixture} from "./support/BatchFixture.sol";

/// @notice Several requests, one proof with open features, one list of signatures.
contract BatchesTest is BatchFixture {
    IModelRegistry.Statement private constant RAW = IModelRegistry.Statement.Open;
    IModelRegistry.Statement private constant PACKED = IModelRegistry.Statement.OpenPacked;

    IModelRegistry.Statement private statement = PACKED;

    function _handed(uint256 count) private returns (Handed memory) {
        if (registry.openModel() == 0) _activateOpen(statement);
        (IAIRiskOracle.Request[] memory requests, uint256[] memory requestIds) = _askMany(count);
        return _made(requests, requestIds, _words(_lowRows(), statement));
    }

    function _refused(Handed memory handed, bytes memory reason) private {
        vm.expectRevert(reason);
        _hand(handed);
        for (uint256 i = 0; i < handed.batch.requestIds.length; ++i) {
            check(oracle.stateOf(handed.batch.requestIds[i]) != IAIRiskOracle.RequestState.Answered, "not answered");
        }
        equal(oracle.earnedFees(), 0, "nothing is earned");
    }

    // -------------------------------------------------------------- what it gives

    function test_batch__when_whole__then_each_answer_is_as_if_it_came_alone() public {
        for (uint256 which = 0; which < 2; ++which) {
            setUp();
            statement = which == 0 ? RAW : PACKED;
            Handed memory handed = _handed(ROWS);
            equal(_hand(handed), ROWS, "answered");
            for (uint256 row = 0; row < ROWS; ++row) {
                IAIRiskOracle.Assessment memory a = oracle.assessmentOf(handed.batch.requestIds[row]);
                _answeredAlone(_lowRows()[row], a);
                equal(a.modelIndex, 2, "the open model's");
                check(!a.privateData, "without private data");
                equal(a.blockNumber, handed.requests[row].blockNumber, "the request's block");
                equal(oracle.getAssessment(handed.requests[row].user).score, a.score, "the wallet's latest");
            }
            equal(oracle.earnedFees(), uint256(FEE) * (2 * ROWS), "the fees of the batch, and of those alone");
        }
    }

    /// @dev The same outputs, answered by the other model one by one.
    function _answeredAlone(int256[] memory outputs, IAIRiskOracle.Assessment memory a) private {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        _answer(id, request, outputs);
        IAIRiskOracle.Assessment memory alone = oracle.assessmentOf(id);
        alone.modelIndex = a.modelIndex;
        equal(keccak256(abi.encode(a)), keccak256(abi.encode(alone)), "all but the model's number");
    }

    function test_batch__when_shorter_than_the_proof__then_the_rows_left_over_are_nobodys() public {
        Handed memory handed = _handed(2);
        equal(_hand(handed), 2, "answered");
        equal(oracle.earnedFees(), 2 * uint256(FEE), "fees");
        equal(oracle.requestCount(), 2, "nobody else");
    }

    function test_digest__when_computed_from_its_words__then_it_is_the_contracts() public {
        Handed memory handed = _handed(2);
        bytes memory answers;
        for (uint256 i = 0; i < 2; ++i) {
            answers = abi.encodePacked(
                answers,
                handed.batch.requestIds[i],
                keccak256(abi.encode(handed.requests[i])),
                handed.batch.blockHashes[i]
            );
        }
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Batch(bytes32 modelId,bytes32 answersHash,bytes32 wordsHash,bytes32 signerSetDigest)"),
                OPEN,
                keccak256(answers),
                keccak256(abi.encodePacked(handed.batch.words)),
                oracle.signerSetDigest()
            )
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("AIRiskOracle"),
                keccak256("1"),
                block.chainid,
                address(oracle)
            )
        );
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        equal(oracle.batchDigest(handed.requests, handed.batch), expected, "digest");
    }

    function test_batch__when_answered__then_it_writes_no_slot_but_its_requests_and_the_ledger() public {
        Handed memory handed = _handed(ROWS);
        vm.record();
        _hand(handed);
        (, bytes32[] memory writes) = vm.accesses(address(oracle));
        equal(writes.length, ROWS + 1, "a request's slot each, and the ledger's");
    }

    // ------------------------------------------------------------- what is skipped

    function test_batch__when_some_ended_meanwhile__then_they_are_skipped_and_the_others_answered() public {
        Handed memory handed = _handed(ROWS);
        _decline(handed.batch.requestIds[1], handed.requests[1], 1);
        vm.expectEmit();
        emit IAIRiskOracle.RequestSkipped(handed.batch.requestIds[1], IAIRiskOracle.RequestState.Declined);
        equal(_hand(handed), ROWS - 1, "answered");
        equal(oracle.assessmentOf(handed.batch.requestIds[2]).score, 8_027, "the third row stays the third request's");
        equal(oracle.earnedFees(), uint256(FEE) * (ROWS - 1), "the declined one's fee went back");
        vm.expectRevert(IAIRiskOracle.NothingToAnswer.selector);
        _hand(handed);
    }

    function test_batch__when_one_expired__then_it_is_skipped() public {
        _activateOpen(statement);
        (IAIRiskOracle.Request[] memory old, uint256[] memory oldIds) = _askMany(1);
        vm.warp(_time() + REQUEST_LIFETIME + 1);
        (IAIRiskOracle.Request[] memory requests, uint256[] memory ids) = _askMany(2);
        (requests[0], ids[0]) = (old[0], oldIds[0]);
        Handed memory handed = _made(requests, ids, _words(_lowRows(), statement));
        equal(_hand(handed), 1, "answered");
        check(oracle.stateOf(oldIds[0]) == IAIRiskOracle.RequestState.Pending, "its fee can be had back");
    }

    function test_batch__when_a_request_stands_twice_in_it__then_its_first_row_counts() public {
        _activateOpen(statement);
        (IAIRiskOracle.Request[] memory requests, uint256[] memory ids) = _askMany(3);
        (requests[1], ids[1]) = (requests[0], ids[0]);
        Handed memory handed = _made(requests, ids, _words(_lowRows(), statement));
        equal(_hand(handed), 2, "answered");
        equal(oracle.assessmentOf(ids[0]).score, 8_007, "by the first row");
        equal(oracle.earnedFees(), 2 * uint256(FEE), "paid once");
    }

    // ------------------------------------------------------------- what is refused

    function test_batch__when_answers_are_swapped__then_signatures_or_proof_refuse_it() public {
        Handed memory handed = _handed(ROWS);
        uint256[] memory words = handed.batch.words;
        uint256 first = 2 * ROWS;
        (words[first], words[first + 1]) = (words[first + 1], words[first]);
        vm.expectPartialRevert(bytes4(keccak256("UnknownSigner(address)")));
        _hand(handed);
        _sign(handed);
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.InvalidProof.selector, OPEN));
        (words[first], words[first + 1]) = (words[first + 1], words[first]);
        (handed.requests[0], handed.requests[1]) = (handed.requests[1], handed.requests[0]);
        uint256[] memory ids = handed.batch.requestIds;
        (ids[0], ids[1]) = (ids[1], ids[0]);
        vm.expectPartialRevert(bytes4(keccak256("UnknownSigner(address)")));
        _hand(handed);
    }

    function test_batch__when_any_word_differs__then_the_proof_refuses_it() public {
        Handed memory handed = _handed(ROWS);
        for (uint256 i = 0; i < handed.batch.words.length; ++i) {
            handed.batch.words[i] += 1;
            _sign(handed);
            _refused(handed, abi.encodeWithSelector(IAIRiskOracle.InvalidProof.selector, OPEN));
            handed.batch.words[i] -= 1;
        }
        _sign(handed);
        equal(_hand(handed), ROWS, "as it was");
    }

    function test_batch__when_of_other_signers_or_blocks__then_the_signatures_do_not_fit() public {
        Handed memory handed = _handed(2);
        handed.batch.blockHashes[1] = keccak256("another");
        vm.expectPartialRevert(bytes4(keccak256("UnknownSigner(address)")));
        _hand(handed);
        bytes32 digest = oracle.batchDigest(handed.requests, handed.batch);
        handed.signatures[0] = _signature(BORROWER_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(bytes4(keccak256("UnknownSigner(address)")), borrower));
        _hand(handed);
        handed.signatures = new bytes[](0);
        vm.expectRevert(abi.encodeWithSelector(bytes4(keccak256("WrongSignatureCount(uint256,uint256)")), 0, 1));
        _hand(handed);
    }

    function test_batch__when_a_request_was_never_made_so__then_all_is_refused() public {
        Handed memory handed = _handed(ROWS);
        handed.requests[2].terms.principal += 1;
        _sign(handed);
        uint256 id = handed.batch.requestIds[2];
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.RequestMismatch.selector, id));
    }

    function test_batch__when_a_request_commits_to_private_data__then_all_is_refused() public {
        _activateOpen(statement);
        (IAIRiskOracle.Request[] memory requests, uint256[] memory ids) = _askMany(2);
        vm.prank(borrower);
        ids[1] = oracle.requestAssessment{value: FEE}(_terms(), bytes32(uint256(77)));
        requests[1] = _logged(borrower, borrower, _terms());
        requests[1].dataCommitment = bytes32(uint256(77));
        Handed memory handed = _made(requests, ids, _words(_lowRows(), statement));
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.PrivateDataAsked.selector, ids[1]));
    }

    function test_batch__when_its_parts_do_not_fit__then_it_is_refused() public {
        Handed memory handed = _handed(ROWS);
        bytes32[] memory blockHashes = handed.batch.blockHashes;
        handed.batch.blockHashes = new bytes32[](ROWS + 1);
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.WrongBatchLength.selector, ROWS, ROWS));
        handed.batch.blockHashes = blockHashes;
        uint256[] memory ids = handed.batch.requestIds;
        handed.batch.requestIds = new uint256[](ROWS + 1);
        for (uint256 i = 0; i < ROWS; ++i) handed.batch.requestIds[i] = ids[i];
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.WrongBatchLength.selector, ROWS, ROWS));
        handed.batch.requestIds = new uint256[](ROWS - 1);
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.WrongBatchLength.selector, ROWS, ROWS));
        handed.batch.requestIds = ids;
        uint256[] memory words = handed.batch.words;
        for (uint256 count = words.length - 1; count < words.length + 2; count += 2) {
            handed.batch.words = new uint256[](count);
            _refused(handed, abi.encodeWithSelector(IAIRiskOracle.WrongOutputCount.selector, count, words.length));
        }
    }

    function test_batch__when_longer_than_the_models__then_it_is_refused() public {
        Handed memory handed = _handed(ROWS);
        (IAIRiskOracle.Request[] memory requests, uint256[] memory ids) = _askMany(ROWS + 1);
        handed.requests = requests;
        handed.batch.requestIds = ids;
        handed.batch.blockHashes = new bytes32[](ROWS + 1);
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.WrongBatchLength.selector, ROWS + 1, ROWS));
    }

    function test_batch__when_a_word_is_no_field_element__then_it_is_refused_whatever_the_verifier_says() public {
        Handed memory handed = _handed(ROWS);
        uint256[] memory words = handed.batch.words;
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 before = words[i];
            words[i] = Field.MODULUS;
            verifier.list(handed.proof, words);
            _sign(handed);
            _refused(handed, abi.encodeWithSelector(IAIRiskOracle.NotAFieldElement.selector, Field.MODULUS));
            words[i] = before;
        }
    }

    function test_batch__when_an_output_is_out_of_range__then_it_is_refused_whatever_the_verifier_says() public {
        statement = RAW;
        Handed memory handed = _handed(ROWS);
        handed.batch.words[2 * ROWS + 10 + 6] = 2 ** 127;
        verifier.list(handed.proof, handed.batch.words);
        _sign(handed);
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.OutputOutOfRange.selector, 6, int256(2 ** 127)));
    }

    function test_statement__when_it_is_not_the_models__then_neither_door_takes_it() public {
        Handed memory handed = _handed(1);
        handed.batch.modelId = MODEL;
        _sign(handed);
        _refused(handed, abi.encodeWithSelector(IAIRiskOracle.WrongStatement.selector, MODEL));
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        report.modelId = OPEN;
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.WrongStatement.selector, OPEN));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_block__when_the_chain_knows_another_hash__then_all_is_refused() public {
        oracle = _deployOracle(1, true);
        Handed memory handed = _handed(2);
        vm.roll(block.number + 3);
        bytes32 actual = keccak256("the chain's");
        vm.setBlockhash(handed.requests[0].blockNumber, actual);
        handed.batch.blockHashes[0] = actual;
        _sign(handed);
        _refused(
            handed,
            abi.encodeWithSelector(
                IAIRiskOracle.BlockHashMismatch.selector,
                handed.requests[1].blockNumber,
                handed.batch.blockHashes[1],
                actual
            )
        );
        handed.batch.blockHashes[1] = actual;
        _sign(handed);
        equal(_hand(handed), 2, "with the chain's hash");
    }

    // ---------------------------------------------------------------- any outputs

    function test_packed__when_any_outputs__then_they_decode_as_unpacked(uint256 seed) public {
        int256[] memory outputs = new int256[](10);
        for (uint256 i = 0; i < 10; ++i) {
            outputs[i] = int256(uint256(keccak256(abi.encode(seed, i))) % (2 ** 23 - 1)) - (2 ** 22 - 1);
        }
        int256[][] memory rows = new int256[][](ROWS);
        for (uint256 row = 0; row < ROWS; ++row) rows[row] = outputs;
        bytes32[2] memory found;
        for (uint256 which = 0; which < 2; ++which) {
            setUp();
            statement = which == 0 ? RAW : PACKED;
            _activateOpen(statement);
            (IAIRiskOracle.Request[] memory requests, uint256[] memory ids) = _askMany(ROWS);
            _hand(_made(requests, ids, _words(rows, statement)));
            found[which] = keccak256(abi.encode(oracle.assessmentOf(ids[ROWS - 1])));
        }
        equal(found[0], found[1], "the same answer");
    }
}
