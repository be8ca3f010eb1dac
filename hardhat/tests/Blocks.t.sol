// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IArbSys} from "../contracts/lib/ChainBlocks.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @notice Arbitrum's system contract, where the opcodes speak about another chain.
contract ArbitrumBlocks is IArbSys {
    uint256 public arbBlockNumber = 2 ** 33;

    function arbBlockHash(uint256 blockNumber) external view returns (bytes32) {
        require(blockNumber < arbBlockNumber && blockNumber + 256 >= arbBlockNumber, "not known");
        return keccak256(abi.encode("arbitrum", blockNumber));
    }

    function mine(uint256 blocks) external {
        arbBlockNumber += blocks;
    }
}

/// @title The report is about the request's block, and nothing else
contract BlocksTest is OracleFixture {
    /// @dev The runtime code that EIP-2935 gives, and who writes there.
    bytes private constant HISTORY_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    uint256 private id;
    IAIRiskOracle.Request private request;
    IAIRiskOracle.Report private report;
    bytes private proof;

    function _asked() private {
        oracle = _deployOracle(1, true);
        (id, request) = _ask();
        report = _report(id, _lowOutputs());
        proof = _proof(request, report);
    }

    function _send(bytes memory refusal) private {
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        if (refusal.length > 0) vm.expectRevert(refusal);
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_request__when_made__then_its_block_is_logged_and_hashed() public {
        _asked();
        equal(request.blockNumber, 1_000, "as it is logged");
        vm.roll(1_001);
        request.blockNumber = 999;
        report.blockNumber = 999;
        _send(abi.encodeWithSelector(IAIRiskOracle.RequestMismatch.selector, id));
    }

    /// @dev The signers' best block is not theirs to choose: neither older nor newer, with the check of hashes or without.
    function test_answer__when_of_another_block_than_the_requests__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            _asked();
            if (i == 1) {
                oracle = _deployOracle(1, false);
                (id, request) = _ask();
                report.requestId = id;
            }
            vm.roll(1_010);
            uint64[5] memory others = [uint64(7), 999, 1_001, 1_011, 2 ** 40 + 1_000];
            for (uint256 j = 0; j < 5; ++j) {
                report.blockNumber = others[j];
                _send(abi.encodeWithSelector(IAIRiskOracle.BlockMismatch.selector, others[j], 1_000));
            }
            report.blockNumber = 1_000;
            vm.setBlockhash(1_000, report.blockHash);
            _send("");
            equal(oracle.assessmentOf(id).blockNumber, 1_000, "kept whole");
            vm.roll(1_000);
        }
    }

    function test_answer__when_the_block_hash_is_checked__then_only_the_chains_own_passes() public {
        _asked();
        vm.roll(1_001);
        bytes32 truth = keccak256("block 1000");
        vm.setBlockhash(1_000, truth);
        _send(abi.encodeWithSelector(IAIRiskOracle.BlockHashMismatch.selector, 1_000, report.blockHash, truth));
        report.blockHash = truth;
        _send("");
    }

    /// @dev On a chain whose opcode speaks about another chain's blocks.
    function test_answer__when_hashes_are_not_checked__then_the_opcode_is_not_asked() public {
        oracle = _deployOracle(1, false);
        (id, request) = _ask();
        report = _report(id, _lowOutputs());
        proof = _proof(request, report);
        vm.roll(1_001);
        vm.setBlockhash(1_000, keccak256("another chain's block 1000"));
        _send("");
        equal(oracle.assessmentOf(id).blockNumber, 1_000, "answered");
    }

    /// @dev Requests live longer than the 256 blocks that the opcode tells of.
    function test_answer__when_the_opcode_forgot_the_block__then_the_history_contract_tells() public {
        _asked();
        vm.etch(HISTORY, HISTORY_CODE);
        bytes32 truth = keccak256("block 1000");
        vm.roll(1_001);
        vm.prank(SYSTEM);
        (bool written, ) = HISTORY.call(abi.encode(truth));
        check(written, "as the system writes");
        vm.roll(1_000 + 257);
        _send(abi.encodeWithSelector(IAIRiskOracle.BlockHashMismatch.selector, 1_000, report.blockHash, truth));
        vm.roll(1_000 + 8_191);
        _send(abi.encodeWithSelector(IAIRiskOracle.BlockHashMismatch.selector, 1_000, report.blockHash, truth));
        report.blockHash = truth;
        _send("");
    }

    function test_answer__when_nobody_remembers_the_block__then_the_signers_word_counts() public {
        _asked();
        uint256 asked = vm.snapshotState();
        vm.etch(HISTORY, "");
        vm.roll(1_000 + 257);
        _send("");
        vm.revertToState(asked);
        vm.etch(HISTORY, HISTORY_CODE);
        vm.roll(1_000 + 8_192);
        _send("");
        vm.revertToState(asked);
        // Nodes estimate gas as if inside their newest block, the request's own.
        _send("");
    }

    /// @dev A reorganisation gave request and answer back to the pool, and both are mined again in one block.
    function test_answer__when_mined_in_the_requests_own_block__then_it_is_for_another_block() public {
        _asked();
        uint256 asked = vm.snapshotState();
        vm.txGasPrice(1);
        _send(abi.encodeWithSelector(IAIRiskOracle.BlockHashMismatch.selector, 1_000, report.blockHash, bytes32(0)));
        vm.roll(1_001);
        vm.setBlockhash(1_000, report.blockHash);
        _send("");
        vm.revertToState(asked);
        // What nobody remembers any more is paid for at any price.
        vm.txGasPrice(1);
        vm.etch(HISTORY, "");
        vm.roll(1_000 + 257);
        _send("");
    }

    function test_arbitrum__when_the_opcodes_speak_of_ethereum__then_its_system_contract_is_asked() public {
        vm.etch(address(0x64), address(new ArbitrumBlocks()).code);
        ArbitrumBlocks arbitrum = ArbitrumBlocks(address(0x64));
        arbitrum.mine(2 ** 33);
        oracle = _deployOracle(1, true);
        (id, request) = _ask();
        request.blockNumber = 2 ** 33;
        report = _report(id, _lowOutputs());
        proof = _proof(request, report);
        _send(abi.encodeWithSelector(IAIRiskOracle.BlockMismatch.selector, 1_000, 2 ** 33));
        report.blockNumber = 2 ** 33;
        arbitrum.mine(256);
        bytes32 truth = keccak256(abi.encode("arbitrum", 2 ** 33));
        _send(abi.encodeWithSelector(IAIRiskOracle.BlockHashMismatch.selector, 2 ** 33, report.blockHash, truth));
        uint256 known = vm.snapshotState();
        report.blockHash = truth;
        _send("");
        equal(oracle.assessmentOf(id).blockNumber, 2 ** 33, "its own number");
        vm.revertToState(known);
        arbitrum.mine(1);
        report.blockHash = keccak256("forgotten");
        _send("");
    }
}
